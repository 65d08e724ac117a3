/// Recursive descent over the tokens of a condition or query; the recursion is bounded by `SyntaxLimits`.
///
/// This file holds the cursor and how errors are worded; `Parser+Conditions` and `Parser+Query` hold the grammar.
struct Parser {
    let dialect: Dialect
    /// What a condition that stands alone may be written with.
    let rules: ConditionDialect
    private(set) var lexer: Lexer
    private(set) var token: Token
    /// The token before `token`, for messages.
    private(set) var previous: Token?
    var comparisons = 0
    var items = 0
    /// Subqueries of conditions do not nest.
    var isInSubselect = false

    var fields: Set<FieldName> = []
    /// The first negation that a condition's rules accept only where it stands alone.
    var openNegation: Token?

    init(_ text: String, dialect: Dialect, rules: ConditionDialect = .full) throws(SOQLError) {
        self.dialect = dialect
        self.rules = rules
        lexer = try Lexer(text, dialect: dialect)
        token = try lexer.next()
    }

    /// The current token as a word with a meaning in a condition.
    var keyword: Keyword? {
        token.kind == .name ? Keyword(lexer.text(of: token.range)) : nil
    }

    /// The current token, where it is a name, in capitals.
    var word: String? {
        token.kind == .name ? lexer.text(of: token.range).uppercased() : nil
    }

    var tokenText: String { lexer.text(of: token.range) }

    mutating func advance() throws(SOQLError) {
        previous = token
        token = try lexer.next()
    }

    /// Takes a word of the grammar; false when another token stands here.
    mutating func take(_ expected: String) throws(SOQLError) -> Bool {
        guard word == expected else { return false }
        try advance()
        return true
    }

    mutating func take(_ kind: Token.Kind) throws(SOQLError) -> Bool {
        guard token.kind == kind else { return false }
        try advance()
        return true
    }

    /// Reads the `:7` behind the current token, which stays the current one.
    mutating func countBehindToken() throws(SOQLError) -> Int? { try lexer.count() }

    // MARK: Errors

    /// Queries are refused in Salesforce's words, conditions with what would have been right.
    func expected(_ what: String) -> SOQLError {
        if dialect == .query { return unexpectedToken() }
        let place = previous.map { " after \(lexer.describe($0))" } ?? ""
        return error("expected \(what)\(place) but found \(lexer.describe(token))")
    }

    func unexpected(_ explanation: String) -> SOQLError {
        error("unexpected token: \(lexer.describe(token)): \(explanation)")
    }

    func unexpectedToken() -> SOQLError {
        error("unexpected token: \(token.kind == .end ? "'<EOF>'" : lexer.describe(token))")
    }

    func error(_ message: String) -> SOQLError { error(message, at: token.range.lowerBound) }

    func error(_ message: String, at offset: Int) -> SOQLError { lexer.error(message, at: offset) }
}
