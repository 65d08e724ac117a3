/// One row as a reader fills it: made once and used again for every row, so that reading allocates nothing.
public struct CSVRow: Sendable {
    /// The line as it stood in the text, without its end; behind it the values that had doubled quotes, unescaped.
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    /// Columns whose value has doubled quotes.
    var escaped: [Int] = []

    /// The header is 1.
    public internal(set) var number = 0
    /// What is wrong with this row alone: reading can go on behind it.
    public internal(set) var fault: CSVError?

    public init() {}

    public var count: Int { ranges.count }

    public func isEmpty(_ column: Int) -> Bool { ranges[column].isEmpty }

    /// Compares without making a string.
    public func value(_ column: Int, equals other: [UInt8]) -> Bool {
        let range = ranges[column]
        guard range.count == other.count else { return false }
        return bytes[range].elementsEqual(other)
    }

    /// The value; it is valid UTF-8, the reader has looked.
    public subscript(column: Int) -> String {
        bytes.withUnsafeBufferPointer { buffer in
            String(decoding: UnsafeBufferPointer(rebasing: buffer[ranges[column]]), as: UTF8.self)
        }
    }

    public func bytes(_ column: Int) -> ArraySlice<UInt8> { bytes[ranges[column]] }

    public var values: [String] { (0..<count).map { self[$0] } }
}
