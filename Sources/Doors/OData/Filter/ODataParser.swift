internal import SOQL

/// Reads a `$filter`. What it takes is bounded, so that a stranger's text costs bounded time, memory and stack.
///
///     or   = and { "or" and }          and = unary { "and" unary }
///     unary = "not" unary | claim      claim = term { operator term | "in" "(" literals ")" }
///     term = "(" or ")" | literal | property | function "(" terms ")"
///
/// `not` takes the claim behind it whole: by the table of precedences it would take `Name` of `not Name eq 'x'`, which is no
/// boolean; where it is one, both readings say the same.
struct ODataParser {
    /// Characters. A request's target has 16,384 bytes at most, so this is a bound on what comes in other ways.
    static let textCharactersMax = 16_384
    /// Parentheses and `not` open at once; comparisons of comparisons.
    static let nestingMax = 100
    /// Comparisons, and literals of lists.
    static let claimsMax = 1_000

    private var lexer: ODataLexer
    private var token: ODataLexer.Token
    private var nesting = 0
    /// Comparisons of comparisons so far: `a eq 1 eq true` is one expression in another, as with parentheses, and what reads the
    /// tree goes as deep. Of the whole text, because a chain in parentheses begins another.
    private var chained = 0
    private var claims = 0

    static func parse(_ text: String) throws(ODataSyntaxError) -> ODataExpression {
        guard text.utf8.count <= textCharactersMax * 4, text.unicodeScalars.count <= textCharactersMax else {
            throw ODataSyntaxError(message: "the expression is longer than \(textCharactersMax) characters", place: 0)
        }
        var parser = try ODataParser(text)
        let expression = try parser.or()
        guard parser.token.kind == .end else { throw parser.unexpected("'and', 'or' or the end") }
        return expression
    }

    private init(_ text: String) throws(ODataSyntaxError) {
        lexer = ODataLexer(text)
        token = try lexer.next()
    }

    private mutating func advance() throws(ODataSyntaxError) { token = try lexer.next() }

    private func unexpected(_ expected: String) -> ODataSyntaxError {
        ODataSyntaxError(
            message: "expected \(expected) but found \(lexer.describe(token))", place: token.range.lowerBound)
    }

    private func isWord(_ word: String) -> Bool { token.kind == .name(word) }

    private mutating func nested<T>(
        _ body: (inout ODataParser) throws(ODataSyntaxError) -> T
    ) throws(ODataSyntaxError) -> T {
        nesting += 1
        guard nesting <= Self.nestingMax else {
            throw ODataSyntaxError(
                message: "the expression nests deeper than \(Self.nestingMax) levels", place: token.range.lowerBound)
        }
        defer { nesting -= 1 }
        return try body(&self)
    }

    private mutating func countClaim() throws(ODataSyntaxError) {
        claims += 1
        guard claims <= Self.claimsMax else {
            throw ODataSyntaxError(
                message: "the expression has more than \(Self.claimsMax) comparisons", place: token.range.lowerBound)
        }
    }

    private mutating func or() throws(ODataSyntaxError) -> ODataExpression {
        var operands = [try and()]
        while isWord("or") {
            try advance()
            operands.append(try and())
        }
        return operands.count == 1 ? operands[0] : .or(operands)
    }

    private mutating func and() throws(ODataSyntaxError) -> ODataExpression {
        var operands = [try unary()]
        while isWord("and") {
            try advance()
            operands.append(try unary())
        }
        return operands.count == 1 ? operands[0] : .and(operands)
    }

    private mutating func unary() throws(ODataSyntaxError) -> ODataExpression {
        guard isWord("not") else { return try claim() }
        try advance()
        return .not(try nested { parser throws(ODataSyntaxError) in try parser.unary() })
    }

    private static let operators: [String: ComparisonOperator] = [
        "eq": .equal, "ne": .notEqual, "gt": .greater, "ge": .greaterOrEqual, "lt": .less, "le": .lessOrEqual,
    ]
    private static let arithmetic: Set<String> = ["add", "sub", "mul", "div", "divby", "mod", "has"]

    private static func isOperator(_ word: String) -> Bool {
        operators[word] != nil || arithmetic.contains(word) || ["and", "or", "not", "in"].contains(word)
    }

    private mutating func claim() throws(ODataSyntaxError) -> ODataExpression {
        var left = try term()
        var isComparison = false
        while case .name(let word) = token.kind, !["and", "or"].contains(word) {
            let place = token.range.lowerBound
            if isComparison { chained += 1 }
            guard chained <= Self.nestingMax else { throw unexpected("'and' or 'or'") }
            isComparison = true
            if let operation = Self.operators[word] {
                try advance()
                try countClaim()
                left = .comparison(operation, left, try term(), place: place)
            } else if word == "in" {
                try advance()
                left = .membership(left, try list())
            } else if Self.arithmetic.contains(word) {
                throw ODataSyntaxError(
                    message: "the operator '\(word)' is not supported", place: place, isUnsupported: true)
            } else {
                throw unexpected("an operator (eq, ne, gt, ge, lt, le, in, and, or)")
            }
        }
        return left
    }

    private mutating func list() throws(ODataSyntaxError) -> [ODataExpression.PlacedLiteral] {
        guard token.kind == .open else { throw unexpected("'(' after 'in'") }
        var literals: [ODataExpression.PlacedLiteral] = []
        repeat {
            try advance()
            try countClaim()
            guard case .literal(let literal, let place) = try term() else { throw unexpected("literals in the list") }
            literals.append(.init(literal: literal, place: place))
        } while token.kind == .comma
        guard token.kind == .close else { throw unexpected("',' or ')'") }
        try advance()
        return literals
    }

    private mutating func term() throws(ODataSyntaxError) -> ODataExpression {
        let place = token.range.lowerBound
        switch token.kind {
        case .open:
            try advance()
            let inner = try nested { parser throws(ODataSyntaxError) in try parser.or() }
            guard token.kind == .close else { throw unexpected("')'") }
            try advance()
            return inner
        case .literal(let literal):
            try advance()
            return .literal(literal, place: place)
        case .name(let name):
            guard !Self.isOperator(name) else { throw unexpected("a property, a literal, a function or '('") }
            try advance()
            switch name {
            case "null": return .literal(.null, place: place)
            case "true": return .literal(.boolean(true), place: place)
            case "false": return .literal(.boolean(false), place: place)
            case "INF", "NaN":
                throw ODataSyntaxError(message: "'\(name)' is no value of a record", place: place)
            default: break
            }
            if token.kind == .slash {
                throw ODataSyntaxError(
                    message: "paths (\(name.prefix(ODataLexer.quotedCharactersMax))/…) are not supported",
                    place: place, isUnsupported: true)
            }
            return token.kind == .open ? try call(name, place: place) : .property(name, place: place)
        case .end, .close, .comma, .slash: throw unexpected("a property, a literal, a function or '('")
        }
    }

    private mutating func call(_ name: String, place: Int) throws(ODataSyntaxError) -> ODataExpression {
        try countClaim()
        try advance()
        var arguments: [ODataExpression] = []
        if token.kind != .close {
            arguments.append(try nested { parser throws(ODataSyntaxError) in try parser.or() })
            while token.kind == .comma {
                try advance()
                arguments.append(try nested { parser throws(ODataSyntaxError) in try parser.or() })
            }
        }
        guard token.kind == .close else { throw unexpected("',' or ')'") }
        try advance()
        return .call(name, arguments, place: place)
    }
}
