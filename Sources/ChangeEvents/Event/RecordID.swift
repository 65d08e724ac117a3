/// The id of a record: 18 characters, of which the first 15 are the id and the last three its case checksum.
///
/// For each group of five of the 15 characters, the bits of the upper-case letters (least significant = first) form a
/// number 0–31 that is written with `ABCDEFGHIJKLMNOPQRSTUVWXYZ012345`. Events and REST answers carry the 18-character
/// form; inputs accept both. Compared bytewise.
///
/// Kept as two words, so that ids are made, compared and copied without allocating; `string` makes a text.
public struct RecordID: Hashable, Sendable {
    /// The first eight characters, the first in the highest byte: the words compare as the texts do.
    private let head: UInt64
    /// The other seven, in the upper bytes.
    private let tail: UInt64

    static let shortLength = 15
    static let length = 18

    /// Accepts 15 characters (the checksum is added) or 18 (the checksum is verified). Nil for anything else.
    public init?(_ string: some StringProtocol) {
        let parsed = string.utf8.withContiguousStorageIfAvailable { RecordID(utf8: UnsafeRawBufferPointer($0)) }
        if let parsed {
            guard let parsed else { return nil }
            self = parsed
        } else {
            guard let parsed = Array(string.utf8).withUnsafeBytes({ RecordID(utf8: $0) }) else { return nil }
            self = parsed
        }
    }

    /// The same of the text's bytes.
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.shortLength || bytes.count == Self.length else { return nil }
        var (head, tail): (UInt64, UInt64) = (0, 0)
        for index in 0..<8 {
            guard Self.isBase62(bytes[index]) else { return nil }
            head = head << 8 | UInt64(bytes[index])
        }
        for index in 8..<Self.shortLength {
            guard Self.isBase62(bytes[index]) else { return nil }
            tail = tail << 8 | UInt64(bytes[index])
        }
        self.head = head
        self.tail = tail << 8
        guard bytes.count == Self.length else { return }
        for group in 0..<3 where bytes[Self.shortLength + group] != checksum(ofGroup: group) { return nil }
    }

    /// `000000000000000AAA`, the record id of an overflow event.
    public static let empty = RecordID(head: 0x3030_3030_3030_3030, tail: 0x3030_3030_3030_3000)

    private init(head: UInt64, tail: UInt64) {
        self.head = head
        self.tail = tail
    }

    /// Always 18 characters.
    public var string: String { text(Self.length) }

    /// The first three characters: the type of object (`001` Account, `003` Contact, `500` Case).
    public var keyPrefix: String { text(3) }

    /// The 15-character form.
    public var short: String { text(Self.shortLength) }

    /// True where both ids are of the same type of object.
    public func hasKeyPrefix(of other: RecordID) -> Bool { head >> 40 == other.head >> 40 }

    /// Lends the 18 characters.
    public func withUTF8(_ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { buffer in
            write(into: buffer)
            body(UnsafeRawBufferPointer(buffer))
        }
    }

    private func text(_ count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { buffer in
            write(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            return count
        }
    }

    /// As many characters as there is room for.
    private func write(into buffer: UnsafeMutableBufferPointer<UInt8>) {
        for index in 0..<min(buffer.count, Self.shortLength) { buffer[index] = self[index] }
        for index in Self.shortLength..<max(buffer.count, Self.shortLength) where index < Self.length {
            buffer[index] = checksum(ofGroup: index - Self.shortLength)
        }
    }

    /// The character at a place of the 15.
    @inline(__always)
    private subscript(index: Int) -> UInt8 {
        index < 8
            ? UInt8(truncatingIfNeeded: head >> UInt64((7 - index) * 8))
            : UInt8(truncatingIfNeeded: tail >> UInt64((15 - index) * 8))
    }

    private func checksum(ofGroup group: Int) -> UInt8 {
        var bits: UInt8 = 0
        for offset in 0..<5 where (0x41...0x5A).contains(self[group * 5 + offset]) { bits |= 1 << UInt8(offset) }
        return bits < 26 ? UInt8(ascii: "A") + bits : UInt8(ascii: "0") + bits - 26
    }

    private static func isBase62(_ character: UInt8) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension RecordID: Comparable {
    public static func < (left: RecordID, right: RecordID) -> Bool {
        (left.head, left.tail) < (right.head, right.tail)
    }
}

extension RecordID: CustomStringConvertible {
    public var description: String { string }
}

extension RecordID: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = RecordID(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\(text) is no record id"))
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }
}
