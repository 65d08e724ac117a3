/// What the parser accepts at most, so that text from a stranger costs bounded time, memory and stack.
package enum SyntaxLimits {
    /// Characters (Unicode scalars) of a condition: Salesforce's limit for a channel's filter expression.
    package static let textCharactersMax = 131_072
    /// Characters of a query: Salesforce's limit.
    package static let queryCharactersMax = 100_000
    /// Columns of a SELECT, fields of GROUP BY and ORDER BY. An object has 800 custom fields at most.
    package static let itemsMax = 2_000
    /// SELECTs inside each other: Salesforce's limit for parent-to-child subqueries.
    package static let subqueryDepthMax = 5
    /// Parentheses open at once. Salesforce documents no figure; people nest three or four.
    package static let nestingMax = 100
    /// Comparisons (`A = 1` is one, an `IN` list is one). Salesforce's filter expressions allow 10 fields.
    package static let comparisonsMax = 1_000
    /// Characters of one text between quotes: Salesforce's limit in a WHERE clause.
    package static let stringCharactersMax = 4_000
    /// Characters of the text that an error message quotes.
    package static let quotedCharactersMax = 40
}
