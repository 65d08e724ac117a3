/// One word of a condition.
struct Token {
    enum Kind: Equatable {
        case end
        /// A field path or keyword: letters, digits, `_`, with dots between.
        case name
        /// A text in single quotes; escapes are still in it (a pattern reads them differently).
        case string
        /// A number, date, date-time or time.
        case literal(Value)
        case comparison(ComparisonOperator)
        case open
        case close
        case comma
    }

    var kind: Kind
    /// Byte range in the source, quotes included.
    var range: Range<Int>
}
