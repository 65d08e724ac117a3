/// Recursive descent over the tokens of a condition; the recursion is bounded by `SyntaxLimits.nestingMax`.
///
///     condition  = simple { AND simple } | simple { OR simple } | NOT simple
///     simple     = "(" condition ")" | comparison
///     comparison = name operator value | name [NOT] IN list | name LIKE text | name (INCLUDES | EXCLUDES) list
///
/// As in Salesforce's own grammar, AND, OR and NOT never stand side by side without parentheses: what would be a matter
/// of precedence is an error, and the message says where the parentheses belong.
struct Parser {
    private var lexer: Lexer
    private var token: Token
    /// End of the token before `token`, and how messages name it.
    private var previous: Token?
    private var comparisons = 0
    private let dialect: ConditionDialect
    private var fields: Set<FieldName> = []
    /// The first negation that a dialect accepts only where it stands alone.
    private var openNegation: Token?

    init(_ text: String, dialect: ConditionDialect = .full) throws(SOQLError) {
        self.dialect = dialect
        lexer = try Lexer(text)
        token = try lexer.next()
    }

    /// The whole text is one condition.
    mutating func parseWhole() throws(SOQLError) -> Expression {
        if token.kind == .end { throw error("the condition is empty") }
        let expression = try condition(depth: 0)
        if token.kind != .end {
            if token.kind == .close { throw unexpected("there is no '(' that it closes") }
            throw unexpected("expected AND, OR or end of text")
        }
        if dialect.needsNegationInParentheses, comparisons > 1, let openNegation {
            throw lexer.error(
                "beside other comparisons a negation is written (NOT(…))", at: openNegation.range.lowerBound)
        }
        return expression
    }

    // MARK: Logic

    private mutating func condition(depth: Int) throws(SOQLError) -> Expression {
        if keyword == .not {
            let negation = token
            try advance()
            if keyword == .not { throw unexpected("write NOT (NOT …)") }
            if depth == 0 || token.kind != .open, openNegation == nil { openNegation = negation }
            let operand = try simple(depth: depth)
            if keyword == .and || keyword == .or {
                throw unexpected("NOT beside other conditions needs parentheses: (NOT …)")
            }
            return .not(operand)
        }
        let first = try simple(depth: depth)
        guard let word = keyword, word == .and || word == .or else { return first }
        var operands = [first]
        while let next = keyword, next == .and || next == .or {
            guard next == word else { throw unexpected("AND and OR can be mixed only with parentheses") }
            try advance()
            if keyword == .not { throw unexpected("NOT beside other conditions needs parentheses: (NOT …)") }
            operands.append(try simple(depth: depth))
        }
        return word == .and ? .all(operands) : .any(operands)
    }

    private mutating func simple(depth: Int) throws(SOQLError) -> Expression {
        guard token.kind == .open else { return .comparison(try comparison()) }
        guard depth < SyntaxLimits.nestingMax else {
            throw error("conditions can be nested \(SyntaxLimits.nestingMax) deep at most")
        }
        try advance()
        let inner = try condition(depth: depth + 1)
        guard token.kind == .close else { throw expected("')'") }
        try advance()
        return inner
    }

    // MARK: Comparisons

    private mutating func comparison() throws(SOQLError) -> Comparison {
        guard token.kind == .name, keyword == nil else { throw expected("a field name") }
        comparisons += 1
        guard comparisons <= SyntaxLimits.comparisonsMax else {
            throw error("a condition can hold \(SyntaxLimits.comparisonsMax) comparisons at most")
        }
        let field = FieldName(lexer.text(of: token.range))
        fields.insert(field)
        if let fieldsMax = dialect.fieldsMax, fields.count > fieldsMax {
            throw error("a condition can use \(fieldsMax) fields at most here")
        }
        try advance()
        if token.kind == .open { throw unexpected("functions cannot be used in a condition here") }
        if case .comparison(let operation) = token.kind {
            try advance()
            return Comparison(field: field, test: try comparedValue(operation))
        }
        switch keyword {
        case .like:
            try advance()
            return Comparison(field: field, test: .like(try pattern()))
        case .in:
            guard dialect.allowsLists else { throw unexpected("IN cannot be used here") }
            try advance()
            return Comparison(field: field, test: .among(try list(), isNegated: false))
        case .not:
            guard dialect.allowsLists else { throw unexpected("NOT IN cannot be used here") }
            try advance()
            if keyword == .like { throw unexpected("SOQL has no NOT LIKE: write (NOT \(field.spelling) LIKE …)") }
            guard keyword == .in else { throw expected("IN") }
            try advance()
            return Comparison(field: field, test: .among(try list(), isNegated: true))
        case .includes, .excludes:
            guard dialect.allowsSelections else { throw unexpected("INCLUDES and EXCLUDES cannot be used here") }
            let isNegated = keyword == .excludes
            try advance()
            return Comparison(field: field, test: .includes(try groups(), isNegated: isNegated))
        case .and, .or, .null, .true, .false, nil:
            throw expected("an operator (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES)")
        }
    }

    private mutating func comparedValue(_ operation: ComparisonOperator) throws(SOQLError) -> Comparison.Test {
        let literal = token
        let value = try value()
        switch value {
        case .null where operation.isOrdering:
            throw lexer.error("null can be compared only with = and !=", at: literal.range.lowerBound)
        case .boolean where operation.isOrdering:
            throw lexer.error("true and false can be compared only with = and !=", at: literal.range.lowerBound)
        default: return .compare(operation, value)
        }
    }

    private mutating func value() throws(SOQLError) -> Value {
        switch token.kind {
        case .literal(let value):
            if let integerMax = dialect.integerMax, case .integer(let number) = value,
                number > integerMax || number < -integerMax - 1
            {
                throw error(
                    "A number format error occurred: \(lexer.describe(token)) is too large for a whole number; write it "
                        + "with a decimal point (\(number).0)")
            }
            try advance()
            return value
        case .string:
            return .string(try text())
        case .name:
            let value: Value
            switch keyword {
            case .null: value = .null
            case .true: value = .boolean(true)
            case .false: value = .boolean(false)
            case .and, .or, .not, .in, .like, .includes, .excludes: throw expected("a value")
            case nil: throw notAValue()
            }
            try advance()
            return value
        case .open, .close, .comma, .comparison, .end: throw expected("a value")
        }
    }

    /// Explains the names that people write where a value belongs.
    private func notAValue() -> SOQLError {
        let name = lexer.text(of: token.range)
        if RelativeDate.isName(name) {
            return error(
                "\(lexer.describe(token)) depends on the day and is not allowed in a subscription's condition: "
                    + "write a date such as 2026-07-09"
            )
        }
        return error("expected a value but found the name \(lexer.describe(token)) (a text stands in single quotes)")
    }

    private mutating func pattern() throws(SOQLError) -> LikePattern {
        guard token.kind == .string else { throw expected("a text in single quotes") }
        let literal = token
        try checkEscapes(of: literal)
        let pattern: LikePattern
        do {
            pattern = try StringReader(bytes: lexer.bytes[literal.range]).pattern()
        } catch {
            throw lexer.error(error.message, at: literal.range.lowerBound + error.offset)
        }
        try advance()
        return pattern
    }

    private mutating func text() throws(SOQLError) -> String {
        guard token.kind == .string else { throw expected("a text in single quotes") }
        let literal = token
        try checkEscapes(of: literal)
        let plain: String
        do {
            plain = try StringReader(bytes: lexer.bytes[literal.range]).plain()
        } catch {
            throw lexer.error(error.message, at: literal.range.lowerBound + error.offset)
        }
        try advance()
        return plain
    }

    private func checkEscapes(of literal: Token) throws(SOQLError) {
        guard !dialect.allowsPatternEscapes else { return }
        let bytes = lexer.bytes[literal.range]
        var index = bytes.startIndex
        while index < bytes.endIndex {
            defer { index += 1 }
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.endIndex else { continue }
            index += 1
            if "\\_%".utf8.contains(bytes[index]) {
                throw lexer.error(
                    "a backslash, an underscore and a percent sign cannot be escaped here", at: index - 1)
            }
        }
    }

    // MARK: Lists

    private mutating func list() throws(SOQLError) -> [Value] {
        try openList()
        if token.kind == .name, lexer.text(of: token.range).uppercased() == "SELECT" {
            throw error("a subquery cannot be used in a condition here")
        }
        var values: [Value] = []
        var kind: Value?
        while true {
            let start = token.range.lowerBound
            let value = try value()
            if value != .null {
                if let kind, !kind.isComparable(with: value) {
                    throw lexer.error("the values of a list must be of one type", at: start)
                }
                kind = value
            }
            values.append(value)
            if try closesList() { return values }
        }
    }

    private mutating func groups() throws(SOQLError) -> [[ExactText]] {
        try openList()
        var groups: [[ExactText]] = []
        while true {
            let start = token.range.lowerBound
            // By scalars: a combining mark behind the semicolon would make one character with it.
            let group = try text().unicodeScalars.split(separator: ";", omittingEmptySubsequences: false)
                .map { ExactText(String($0)) }
            guard group.allSatisfy({ !$0.string.isEmpty }) else {
                throw lexer.error("a selected value cannot be empty", at: start)
            }
            groups.append(group)
            if try closesList() { return groups }
        }
    }

    private mutating func openList() throws(SOQLError) {
        guard token.kind == .open else { throw expected("'('") }
        try advance()
    }

    private mutating func closesList() throws(SOQLError) -> Bool {
        switch token.kind {
        case .comma:
            try advance()
            return false
        case .close:
            try advance()
            return true
        case .end, .name, .string, .literal, .comparison, .open: throw expected("',' or ')'")
        }
    }

    // MARK: Tokens and errors

    private var keyword: Keyword? {
        token.kind == .name ? Keyword(lexer.text(of: token.range)) : nil
    }

    private mutating func advance() throws(SOQLError) {
        previous = token
        token = try lexer.next()
    }

    private func expected(_ what: String) -> SOQLError {
        let place = previous.map { " after \(lexer.describe($0))" } ?? ""
        return error("expected \(what)\(place) but found \(lexer.describe(token))")
    }

    private func unexpected(_ explanation: String) -> SOQLError {
        error("unexpected token: \(lexer.describe(token)): \(explanation)")
    }

    private func error(_ message: String) -> SOQLError {
        lexer.error(message, at: token.range.lowerBound)
    }
}

extension Value {
    /// True where one list may hold both.
    fileprivate func isComparable(with other: Value) -> Bool {
        switch (self, other) {
        case (.null, _), (_, .null), (.boolean, .boolean), (.string, .string), (.time, .time): true
        case (.integer, .integer), (.integer, .double), (.double, .integer), (.double, .double): true
        case (.date, .date), (.dateTime, .dateTime): true
        case (.boolean, _), (.string, _), (.time, _), (.integer, _), (.double, _), (.date, _), (.dateTime, _): false
        }
    }
}
