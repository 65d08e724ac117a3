/// What a condition may be written with, where that differs from the rules of queries and subscriptions.
///
/// The grammar is one; a dialect only forbids.
public struct ConditionDialect: Sendable, Hashable {
    /// `IN` and `NOT IN`.
    public var allowsLists: Bool
    /// `INCLUDES` and `EXCLUDES`.
    public var allowsSelections: Bool
    /// `\\`, `\_` and `\%` in texts.
    public var allowsPatternEscapes: Bool
    /// Beside another comparison, a negation stands in its own parentheses: `(NOT(…))`.
    public var needsNegationInParentheses: Bool
    /// The largest whole number without a decimal point; nil: what 64 bits hold.
    public var integerMax: Int64?
    /// Distinct fields; nil: no bound but that of comparisons.
    public var fieldsMax: Int?

    public init(
        allowsLists: Bool = true, allowsSelections: Bool = true, allowsPatternEscapes: Bool = true,
        needsNegationInParentheses: Bool = false, integerMax: Int64? = nil, fieldsMax: Int? = nil
    ) {
        self.allowsLists = allowsLists
        self.allowsSelections = allowsSelections
        self.allowsPatternEscapes = allowsPatternEscapes
        self.needsNegationInParentheses = needsNegationInParentheses
        self.integerMax = integerMax
        self.fieldsMax = fieldsMax
    }

    /// Subscriptions and queries.
    public static let full = ConditionDialect()

    /// The `filterExpression` of a channel member for change events.
    public static let changeEventFilter = ConditionDialect(
        allowsLists: false, allowsSelections: false, allowsPatternEscapes: false, needsNegationInParentheses: true,
        integerMax: Int64(Int32.max), fieldsMax: 10)

    /// The same for platform events, which may use lists.
    public static let platformEventFilter = ConditionDialect(
        allowsLists: true, allowsSelections: false, allowsPatternEscapes: false, needsNegationInParentheses: true,
        integerMax: Int64(Int32.max), fieldsMax: 10)
}
