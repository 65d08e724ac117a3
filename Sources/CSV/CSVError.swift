/// Why a text is not the CSV that was promised, and where.
public struct CSVError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// No first line, or one without a name.
        case noHeader
        /// A heading twice, or one that is empty.
        case badHeading
        case headerTooLong
        case tooManyColumns
        case rowTooLong
        /// A line ends otherwise than the dialect says.
        case wrongLineEnding
        case invalidUTF8
        /// The text ends inside quotes.
        case unterminatedQuote
        /// Something stands beside a quote that is neither a delimiter nor the end of the line: `"a" ,` or `, "a"`.
        case strayQuote
        /// More or fewer values than headings.
        case ragged
    }

    public var code: Code
    /// Line of the record, the header's being 1; a value with line breaks in it does not count as several.
    public var row: Int
    /// Value within the row, from 1.
    public var column: Int
    public var message: String

    public init(_ code: Code, row: Int, column: Int, _ message: String) {
        self.code = code
        self.row = row
        self.column = column
        self.message = message
    }

    public var description: String { "\(message) (row \(row), column \(column))" }
}
