/// Conditions:
///
///     condition  = simple { AND simple } | simple { OR simple } | NOT simple
///     simple     = "(" condition ")" | comparison
///     comparison = term operator literal | term [NOT] IN list | term LIKE text | term (INCLUDES | EXCLUDES) list
///     term       = name | name "(" [ term ] ")"                            functions in queries only
///     list       = "(" literal { "," literal } ")" | "(" query ")"         subqueries in queries only
///
/// As in Salesforce's own grammar, AND, OR and NOT never stand side by side without parentheses: what would be a matter
/// of precedence is an error, and the message says where the parentheses belong.
extension Parser {
    /// The whole text is one condition.
    mutating func parseWhole() throws(SOQLError) -> Filter {
        if token.kind == .end { throw error("the condition is empty") }
        let filter = try condition(depth: 0)
        if token.kind != .end {
            if token.kind == .close { throw unexpected("there is no '(' that it closes") }
            throw unexpected("expected AND, OR or end of text")
        }
        if rules.needsNegationInParentheses, comparisons > 1, let openNegation {
            throw error("beside other comparisons a negation is written (NOT(…))", at: openNegation.range.lowerBound)
        }
        return filter
    }

    // MARK: Logic

    mutating func condition(depth: Int) throws(SOQLError) -> Filter {
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
        return word == .and ? .and(operands) : .or(operands)
    }

    private mutating func simple(depth: Int) throws(SOQLError) -> Filter {
        guard token.kind == .open else { return .test(try comparison(depth: depth)) }
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

    private mutating func comparison(depth: Int) throws(SOQLError) -> FilterTest {
        guard token.kind == .name, keyword == nil else { throw expected("a field name") }
        comparisons += 1
        guard comparisons <= SyntaxLimits.comparisonsMax else {
            throw error("a condition can hold \(SyntaxLimits.comparisonsMax) comparisons at most")
        }
        let term = try term()
        if let fieldsMax = rules.fieldsMax {
            fields.insert(FieldName(term.spelling))
            if fields.count > fieldsMax {
                throw error("a condition can use \(fieldsMax) fields at most here", at: term.place)
            }
        }
        if case .comparison(let operation) = token.kind {
            try advance()
            let place = token.range.lowerBound
            return FilterTest(term: term, test: try comparedLiteral(operation), literalPlace: place)
        }
        switch keyword {
        case .like:
            try advance()
            let place = token.range.lowerBound
            return FilterTest(term: term, test: .like(try pattern()), literalPlace: place)
        case .in:
            guard rules.allowsLists else { throw unexpected("IN cannot be used here") }
            try advance()
            return try membership(of: term, isNegated: false, depth: depth)
        case .not:
            guard rules.allowsLists else { throw unexpected("NOT IN cannot be used here") }
            try advance()
            if keyword == .like { throw unexpected("SOQL has no NOT LIKE: write (NOT \(term.spelling) LIKE …)") }
            guard keyword == .in else { throw expected("IN") }
            try advance()
            return try membership(of: term, isNegated: true, depth: depth)
        case .includes, .excludes:
            guard rules.allowsSelections else { throw unexpected("INCLUDES and EXCLUDES cannot be used here") }
            let isNegated = keyword == .excludes
            try advance()
            let place = token.range.lowerBound
            return FilterTest(term: term, test: .includes(try groups(), isNegated: isNegated), literalPlace: place)
        case .and, .or, .null, .true, .false, nil:
            throw expected("an operator (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES)")
        }
    }

    /// A field, or in a query a function of one. Functions stand inside one another at most once
    /// (`CALENDAR_YEAR(convertTimezone(CreatedDate))`).
    mutating func term(nesting: Int = 0) throws(SOQLError) -> Term {
        guard token.kind == .name else { throw expected("a field name") }
        let name = tokenText
        let place = token.range.lowerBound
        try advance()
        guard token.kind == .open else { return .field(FieldPath(spelling: name, place: place)) }
        guard dialect == .query else { throw unexpected("functions cannot be used in a condition here") }
        guard nesting < 2, !name.contains(".") else { throw unexpectedToken() }
        try advance()
        if try take(.close) { return .call(FunctionCall(name: name, argument: nil, place: place)) }
        let argument = try self.term(nesting: nesting + 1)
        guard try take(.close) else { throw unexpectedToken() }
        return .call(FunctionCall(name: name, argument: argument, place: place))
    }

    private mutating func comparedLiteral(_ operation: ComparisonOperator) throws(SOQLError) -> FilterTest.Test {
        let place = token.range.lowerBound
        let literal = try literal()
        switch literal {
        case .value(.null) where operation.isOrdering:
            throw error("null can be compared only with = and !=", at: place)
        case .value(.boolean) where operation.isOrdering:
            throw error("true and false can be compared only with = and !=", at: place)
        default: return .compare(operation, literal)
        }
    }

    private mutating func literal() throws(SOQLError) -> FilterLiteral {
        switch token.kind {
        case .literal(let value):
            try checkSize(of: value)
            try advance()
            return .value(value)
        case .string:
            return .value(.string(try text()))
        case .name:
            let value: Value
            switch keyword {
            case .null: value = .null
            case .true: value = .boolean(true)
            case .false: value = .boolean(false)
            case .and, .or, .not, .in, .like, .includes, .excludes: throw expected("a value")
            case nil: return .relative(try relativeDate())
            }
            try advance()
            return .value(value)
        case .open, .close, .comma, .comparison, .end: throw expected("a value")
        }
    }

    private mutating func relativeDate() throws(SOQLError) -> RelativeDate {
        let name = tokenText
        guard dialect == .query, RelativeDate.isName(name) else { throw notAValue() }
        let place = token.range.lowerBound
        guard let date = RelativeDate(name, count: try countBehindToken()) else {
            throw error(
                RelativeDate.takesCount(name)
                    ? "\(name) needs a number: \(name):7" : "\(name) takes no number", at: place)
        }
        try advance()
        return date
    }

    /// Explains the names that people write where a value belongs.
    private func notAValue() -> SOQLError {
        let name = tokenText
        if dialect == .condition, RelativeDate.isName(name) {
            return error(
                "\(lexer.describe(token)) depends on the day and is not allowed in a subscription's condition: "
                    + "write a date such as 2026-07-09"
            )
        }
        if dialect == .query { return unexpectedToken() }
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
            throw self.error(error.message, at: literal.range.lowerBound + error.offset)
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
            throw self.error(error.message, at: literal.range.lowerBound + error.offset)
        }
        try advance()
        return plain
    }

    private func checkSize(of value: Value) throws(SOQLError) {
        guard let integerMax = rules.integerMax, case .integer(let number) = value,
            number > integerMax || number < -integerMax - 1
        else { return }
        throw error(
            "A number format error occurred: \(lexer.describe(token)) is too large for a whole number; write it with a "
                + "decimal point (\(number).0)")
    }

    private func checkEscapes(of literal: Token) throws(SOQLError) {
        guard !rules.allowsPatternEscapes else { return }
        let bytes = lexer.bytes[literal.range]
        var index = bytes.startIndex
        while index < bytes.endIndex {
            defer { index += 1 }
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.endIndex else { continue }
            index += 1
            if "\\_%".utf8.contains(bytes[index]) {
                throw error("a backslash, an underscore and a percent sign cannot be escaped here", at: index - 1)
            }
        }
    }

    // MARK: Lists

    private mutating func membership(of term: Term, isNegated: Bool, depth: Int) throws(SOQLError) -> FilterTest {
        let place = token.range.lowerBound
        try openList()
        if word == "SELECT" {
            guard dialect == .query else { throw error("a subquery cannot be used in a condition here") }
            guard !isInSubselect else { throw error("Nesting of semi join sub-selects is not supported") }
            isInSubselect = true
            defer { isInSubselect = false }
            let query = try self.query(depth: SyntaxLimits.subqueryDepthMax)
            guard try take(.close) else { throw unexpectedToken() }
            return FilterTest(term: term, test: .within(query, isNegated: isNegated), literalPlace: place)
        }
        var values: [FilterLiteral] = []
        var kind: FilterLiteral?
        while true {
            let start = token.range.lowerBound
            let value = try literal()
            if value != .value(.null) {
                if let kind, !kind.isComparable(with: value) {
                    throw error("the values of a list must be of one type", at: start)
                }
                kind = value
            }
            values.append(value)
            if try closesList() {
                return FilterTest(term: term, test: .among(values, isNegated: isNegated), literalPlace: place)
            }
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
                throw error("a selected value cannot be empty", at: start)
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
}

extension FilterLiteral {
    /// True where one list may hold both.
    fileprivate func isComparable(with other: FilterLiteral) -> Bool {
        guard case .value(let left) = self, case .value(let right) = other else {
            // A span of days beside dates: the planner compares each by itself.
            return isDated && other.isDated
        }
        return switch (left, right) {
        case (.null, _), (_, .null), (.boolean, .boolean), (.string, .string), (.time, .time): true
        case (.integer, .integer), (.integer, .double), (.double, .integer), (.double, .double): true
        case (.date, .date), (.dateTime, .dateTime): true
        case (.boolean, _), (.string, _), (.time, _), (.integer, _), (.double, _), (.date, _), (.dateTime, _): false
        }
    }

    private var isDated: Bool {
        switch self {
        case .relative, .value(.date), .value(.dateTime): true
        case .value: false
        }
    }
}
