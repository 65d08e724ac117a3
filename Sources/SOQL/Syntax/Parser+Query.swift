/// Queries:
///
///     query   = SELECT item { "," item } FROM name [ [AS] alias ] [ USING SCOPE name ] [ WHERE condition ]
///               [ WITH word ] [ GROUP BY term { "," term } [ HAVING condition ] ]
///               [ ORDER BY term [ASC|DESC] [NULLS FIRST|LAST] { "," … } ] [ LIMIT n ] [ OFFSET n ]
///               { FOR (VIEW | REFERENCE | UPDATE) } [ ALL ROWS ]
///     item    = term [ alias ] | COUNT() | FIELDS(ALL|STANDARD|CUSTOM) | "(" query ")"
extension Parser {
    /// The whole text is one query.
    mutating func parseQuery() throws(SOQLError) -> Query {
        guard word == "SELECT" else { throw unexpectedToken() }
        let query = try query(depth: 0)
        guard token.kind == .end else { throw unexpectedToken() }
        return query
    }

    /// `depth`: SELECTs around this one. A subquery of a condition passes the maximum, so that nothing nests in it.
    mutating func query(depth: Int) throws(SOQLError) -> Query {
        guard try take("SELECT") else { throw unexpectedToken() }
        var selected: [SelectItem] = []
        repeat {
            try countItem()
            selected.append(try item(depth: depth))
        } while try take(.comma)
        guard try take("FROM") else { throw unexpectedToken() }
        var query = Query(items: selected, object: try name())
        _ = try take("AS")
        if let word, !Self.clauseWords.contains(word) {
            query.alias = tokenText
            try advance()
        }
        if try take("USING") {
            guard try take("SCOPE") else { throw unexpectedToken() }
            query.scope = try name()
        }
        if try take("WHERE") { query.filter = try condition(depth: 0) }
        if try take("WITH") { try security() }
        if try take("GROUP") {
            guard try take("BY") else { throw unexpectedToken() }
            query.grouping = try terms()
            if try take("HAVING") { query.having = try condition(depth: 0) }
        }
        if try take("ORDER") {
            guard try take("BY") else { throw unexpectedToken() }
            repeat {
                try countItem()
                query.order.append(try orderTerm())
            } while try take(.comma)
        }
        if try take("LIMIT") { query.limit = try number() }
        if word == "OFFSET" {
            try advance()
            query.offsetPlace = token.range.lowerBound
            query.offset = try number()
        }
        // What a page would lock changes nothing here: accepted.
        while try take("FOR") {
            guard let word, ["VIEW", "REFERENCE", "UPDATE"].contains(word) else { throw unexpectedToken() }
            if word != "UPDATE" { query.isForView = true }
            try advance()
            _ = try take(.comma)
        }
        if try take("ALL") {
            guard try take("ROWS") else { throw unexpectedToken() }
            query.includesDeleted = true
        }
        return query
    }

    private static let clauseWords: Set<String> = [
        "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL",
    ]

    private mutating func item(depth: Int) throws(SOQLError) -> SelectItem {
        if token.kind == .open {
            guard depth < SyntaxLimits.subqueryDepthMax else { throw unexpectedToken() }
            try advance()
            let inner = try query(depth: depth + 1)
            guard try take(.close) else { throw unexpectedToken() }
            return .children(inner)
        }
        if word == "TYPEOF" {
            throw error("TYPEOF is not supported here: select the fields of each type by themselves")
        }
        guard token.kind == .name, word != "FROM" else { throw unexpectedToken() }
        let term = try term()
        if case .call(let call) = term {
            if call.key == "COUNT", call.argument == nil { return .rowCount(place: call.place) }
            if call.key == "FIELDS" {
                guard case .field(let path)? = call.argument,
                    let group = FieldGroup(rawValue: path.spelling.uppercased())
                else { throw error("FIELDS takes ALL, STANDARD or CUSTOM", at: call.place) }
                return .fieldGroup(group, place: call.place)
            }
        }
        guard let word, word != "FROM" else { return .term(term, alias: nil) }
        guard !tokenText.contains(".") else { throw unexpectedToken() }
        let alias = tokenText
        try advance()
        return .term(term, alias: alias)
    }

    private mutating func name() throws(SOQLError) -> PlacedName {
        guard token.kind == .name else { throw unexpectedToken() }
        let name = PlacedName(spelling: tokenText, place: token.range.lowerBound)
        try advance()
        return name
    }

    /// `SECURITY_ENFORCED`, `USER_MODE`, `SYSTEM_MODE`: there is one kind of user here.
    private mutating func security() throws(SOQLError) {
        guard let word, ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"].contains(word) else {
            throw unexpectedToken()
        }
        try advance()
    }

    private mutating func terms() throws(SOQLError) -> [Term] {
        var terms: [Term] = []
        repeat {
            try countItem()
            if let word, word == "ROLLUP" || word == "CUBE" {
                throw error("GROUP BY \(word) is not supported here")
            }
            terms.append(try term())
        } while try take(.comma)
        return terms
    }

    private mutating func orderTerm() throws(SOQLError) -> OrderTerm {
        var order = OrderTerm(term: try term())
        if try take("DESC") { order.isDescending = true } else { _ = try take("ASC") }
        if try take("NULLS") {
            if try take("LAST") {
                order.nullsLast = true
            } else {
                guard try take("FIRST") else { throw unexpectedToken() }
            }
        }
        return order
    }

    private mutating func number() throws(SOQLError) -> Int {
        guard case .literal(.integer(let number)) = token.kind, number >= 0, number <= Int32.max else {
            throw unexpectedToken()
        }
        try advance()
        return Int(number)
    }

    private mutating func countItem() throws(SOQLError) {
        items += 1
        guard items <= SyntaxLimits.itemsMax else {
            throw error("a query can name \(SyntaxLimits.itemsMax) columns at most")
        }
    }
}
