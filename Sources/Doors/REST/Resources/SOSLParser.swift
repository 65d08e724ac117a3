/// Reads a search: `FIND {words} IN NAME FIELDS RETURNING Account(Id, Name WHERE … LIMIT 5), Contact LIMIT 20`.
///
/// What stands in an object's parentheses behind its fields is SOQL and is handed on as it is; the query's own parser judges
/// it.
struct SOSLParser {
    private let text: [Character]
    private var index = 0

    static func parse(_ text: String) throws(OrgError) -> RecordSearch {
        var parser = SOSLParser(text: Array(text))
        return try parser.search()
    }

    private mutating func search() throws(OrgError) -> RecordSearch {
        try expect("FIND")
        skipSpace()
        guard next == "{" else { throw error("expecting a search term in braces behind FIND") }
        let terms = try Self.terms(try braced())
        var scope = RecordSearch.Scope.all
        if takes("IN") {
            let name = word()
            guard let named = RecordSearch.Scope(rawValue: name.uppercased()) else {
                throw error("expecting ALL, NAME, EMAIL or PHONE behind IN, found '\(name)'")
            }
            scope = named
            try expect("FIELDS")
        }
        var targets: [RecordSearch.Target] = []
        if takes("RETURNING") {
            repeat { targets.append(try target()) } while takes(",")
        }
        var limit = SearchResources.limitMax
        if takes("LIMIT") { limit = try number() }
        skipSpace()
        guard index == text.count else {
            throw error("'\(word(orSymbol: true))' is not supported here")
        }
        return RecordSearch(terms: terms, scope: scope, targets: targets, limit: limit)
    }

    private mutating func target() throws(OrgError) -> RecordSearch.Target {
        var target = RecordSearch.Target(object: try name())
        guard takes("(") else { return target }
        repeat { target.fields.append(try name()) } while takes(",")
        // The clauses of SOQL, up to the parenthesis that closes the object's.
        if takes("WHERE") { target.condition = try clause(until: ["ORDER", "LIMIT", "OFFSET", "USING"]) }
        if takes("ORDER") {
            try expect("BY")
            target.orderBy = try clause(until: ["LIMIT", "OFFSET"])
        }
        if takes("LIMIT") { target.limit = try number() }
        guard takes(")") else { throw error("expecting a right parenthesis, found '\(word(orSymbol: true))'") }
        return target
    }

    /// Salesforce's figure for the words of a search together. Each becomes a condition on every field.
    static let termBytesMax = 10_000

    /// The words and phrases of a search term.
    static func terms(_ text: String) throws(OrgError) -> [String] {
        guard text.utf8.count <= termBytesMax else {
            throw .badRequest("MALFORMED_SEARCH", "A search term may have \(termBytesMax) bytes.")
        }
        var terms: [String] = []
        var current = ""
        var isQuoted = false
        var isEscaped = false
        func take() {
            if !current.isEmpty, isQuoted || current.uppercased() != "AND" { terms.append(current) }
            current = ""
        }
        for character in text {
            if isEscaped {
                current.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                take()
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                take()
            } else if !isQuoted, "()".contains(character) {
                throw .badRequest("MALFORMED_SEARCH", "Parentheses in a search term are not supported.")
            } else {
                current.append(character)
            }
        }
        guard !isQuoted else { throw .badRequest("MALFORMED_SEARCH", "A quote in the search term is not closed.") }
        take()
        guard !terms.contains(where: { ["OR", "NOT"].contains($0) }) else {
            throw .badRequest("MALFORMED_SEARCH", "OR and NOT in a search term are not supported.")
        }
        guard terms.contains(where: { $0.filter { $0 != "*" && $0 != "?" }.count > 1 }) else {
            throw .badRequest("MALFORMED_SEARCH", "search term must be longer than one character: \(text)")
        }
        return terms
    }

    private var next: Character? { index < text.count ? text[index] : nil }

    private mutating func skipSpace() {
        while let character = next, character.isWhitespace { index += 1 }
    }

    private mutating func braced() throws(OrgError) -> String {
        index += 1
        var content = ""
        while let character = next {
            index += 1
            if character == "}" { return content }
            content.append(character)
            if character == "\\", let escaped = next {
                content.append(escaped)
                index += 1
            }
        }
        throw error("expecting a right brace")
    }

    private mutating func word(orSymbol: Bool = false) -> String {
        skipSpace()
        var word = ""
        while let character = next, Self.isPartOfName(character) {
            word.append(character)
            index += 1
        }
        if word.isEmpty, orSymbol, let character = next { return String(character) }
        return word
    }

    private static func isPartOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "."
    }

    private mutating func name() throws(OrgError) -> String {
        let name = word(orSymbol: false)
        guard RelationshipResources.isName(name) else { throw error("expecting a name") }
        return name
    }

    private mutating func number() throws(OrgError) -> Int {
        let text = word()
        guard let number = Int(text), (1...SearchResources.limitMax).contains(number) else {
            throw error("expecting a number from 1 to \(SearchResources.limitMax), found '\(text)'")
        }
        return number
    }

    /// Takes a word, whatever its case, or a symbol where it comes next.
    private mutating func takes(_ wanted: String) -> Bool {
        let start = index
        skipSpace()
        if wanted.count == 1, let symbol = wanted.first, !symbol.isLetter {
            if next == symbol {
                index += 1
                return true
            }
        } else if word().uppercased() == wanted {
            return true
        }
        index = start
        return false
    }

    private mutating func expect(_ wanted: String) throws(OrgError) {
        guard takes(wanted) else { throw error("expecting \(wanted)") }
    }

    /// SOQL up to one of the words, or to the parenthesis that closes what is open; texts in it are passed over.
    private mutating func clause(until words: Set<String>) throws(OrgError) -> String {
        var clause = ""
        var depth = 0
        var word = ""
        while let character = next {
            if character == "'" {
                clause += try quoted()
                word = ""
                continue
            }
            if character == ")", depth == 0 { return clause }
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            word = Self.isPartOfName(character) ? word + String(character) : ""
            clause.append(character)
            index += 1
            let ends = next.map { !Self.isPartOfName($0) } ?? true
            if depth == 0, ends, words.contains(word.uppercased()) {
                index -= word.count
                return String(clause.dropLast(word.count))
            }
        }
        throw error("expecting a right parenthesis")
    }

    private mutating func quoted() throws(OrgError) -> String {
        var content = "'"
        index += 1
        while let character = next {
            content.append(character)
            index += 1
            if character == "\\", let escaped = next {
                content.append(escaped)
                index += 1
            } else if character == "'" {
                return content
            }
        }
        throw error("expecting a closing quote")
    }

    private func error(_ reason: String) -> OrgError {
        .badRequest("MALFORMED_SEARCH", "\(reason) at column \(index + 1)")
    }
}
