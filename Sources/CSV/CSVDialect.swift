/// How a CSV text is written: what stands between its values and at the end of its lines.
///
/// The module stands on the lowest floor, because everybody who moves rows meets CSV: the org's bulk doors, a client of a real
/// org's Bulk API, and outlets that write files. It knows bytes only: no records, no files, no network.
public struct CSVDialect: Sendable, Hashable {
    /// The six that Salesforce allows.
    public enum Delimiter: String, Sendable, Hashable, CaseIterable, Codable {
        case comma = "COMMA"
        case pipe = "PIPE"
        case semicolon = "SEMICOLON"
        case tab = "TAB"
        case caret = "CARET"
        case backquote = "BACKQUOTE"

        public var byte: UInt8 {
            switch self {
            case .comma: UInt8(ascii: ",")
            case .pipe: UInt8(ascii: "|")
            case .semicolon: UInt8(ascii: ";")
            case .tab: UInt8(ascii: "\t")
            case .caret: UInt8(ascii: "^")
            case .backquote: UInt8(ascii: "`")
            }
        }
    }

    public enum LineEnding: String, Sendable, Hashable, CaseIterable, Codable {
        case lf = "LF"
        case crlf = "CRLF"
        /// Reading takes both, line by line; writing takes LF.
        case either = "EITHER"

        public var bytes: [UInt8] { self == .crlf ? [0x0D, 0x0A] : [0x0A] }
    }

    public var delimiter: Delimiter
    public var lineEnding: LineEnding

    public init(delimiter: Delimiter = .comma, lineEnding: LineEnding = .lf) {
        self.delimiter = delimiter
        self.lineEnding = lineEnding
    }
}

/// What a reader takes at most of a text that strangers have written.
public struct CSVLimits: Sendable, Hashable {
    /// The first line.
    public var headerBytesMax = 32_000
    /// One line; what stands in memory while it is looked for. Salesforce's records have up to 400,000 characters.
    public var rowBytesMax = 1_600_000
    public var columnsMax = 5_000

    public init() {}
}
