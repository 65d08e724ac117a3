/// Writes rows of CSV, every value in quotes. A pure value: take `bytes` when they are enough.
public struct CSVWriter: Sendable {
    public var bytes: [UInt8] = []
    private let delimiter: UInt8
    private let lineEnding: [UInt8]
    private var isFirst = true

    private static let quote = UInt8(ascii: "\"")

    public init(_ dialect: CSVDialect) {
        delimiter = dialect.delimiter.byte
        lineEnding = dialect.lineEnding.bytes
    }

    public mutating func write(row values: some Sequence<String>) {
        for value in values { write(value) }
        endRow()
    }

    public mutating func write(_ value: String) {
        begin()
        var value = value
        value.withUTF8 { text in
            // Looking first costs less than copying byte by byte, and hardly any value has a quote in it.
            if text.contains(Self.quote) {
                for byte in text {
                    if byte == Self.quote { bytes.append(byte) }
                    bytes.append(byte)
                }
            } else {
                bytes.append(contentsOf: text)
            }
        }
        bytes.append(Self.quote)
    }

    /// A value that has no quotes in it.
    public mutating func write(plain value: some Sequence<UInt8>) {
        begin()
        bytes.append(contentsOf: value)
        bytes.append(Self.quote)
    }

    public mutating func write(value: ArraySlice<UInt8>) {
        begin()
        if value.contains(Self.quote) {
            for byte in value {
                if byte == Self.quote { bytes.append(byte) }
                bytes.append(byte)
            }
        } else {
            bytes.append(contentsOf: value)
        }
        bytes.append(Self.quote)
    }

    public mutating func writeEmpty() {
        begin()
        bytes.append(Self.quote)
    }

    public mutating func endRow() {
        bytes.append(contentsOf: lineEnding)
        isFirst = true
    }

    /// What was written so far; the writer goes on with nothing.
    public mutating func take() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }

    private mutating func begin() {
        if !isFirst { bytes.append(delimiter) }
        isFirst = false
        bytes.append(Self.quote)
    }
}
