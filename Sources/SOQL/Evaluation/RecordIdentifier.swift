/// The 18 bytes of a record id, whether it was written with 15 or 18 characters. Compared bytewise: two ids may differ
/// in nothing but case.
///
/// The last three characters tell the upper-case letters of each group of five of the first fifteen, so that a text of
/// 18 characters that is an id by its checksum is an id (a chance of some 1 in 32,000 for a word of letters and
/// digits).
struct RecordIdentifier: Hashable, Sendable {
    let bytes: [UInt8]

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == Self.shortLength || bytes.count == Self.fullLength else { return nil }
        guard bytes.allSatisfy(Self.isBase62) else { return nil }
        let checksum = bytes.withUnsafeBufferPointer(Self.checksum)
        let full = Array(bytes.prefix(Self.shortLength)) + [checksum.0, checksum.1, checksum.2]
        guard bytes.count == Self.shortLength || bytes == full else { return nil }
        self.bytes = full
    }

    /// True for a text of 18 characters whose checksum is right; makes no copy.
    static func isFull(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        guard utf8.count == fullLength else { return false }
        for byte in utf8 where !isBase62(byte) { return false }
        return checksum(utf8) == (utf8[15], utf8[16], utf8[17])
    }

    /// True for 15 letters and digits.
    static func isShort(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        guard utf8.count == shortLength else { return false }
        for byte in utf8 where !isBase62(byte) { return false }
        return true
    }

    /// 15 or 18 letters and digits, whatever their checksum.
    static func isSpelledLikeOne(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        guard utf8.count == shortLength || utf8.count == fullLength else { return false }
        for byte in utf8 where !isBase62(byte) { return false }
        return true
    }

    static let shortLength = 15
    static let fullLength = 18

    private static func checksum(_ utf8: UnsafeBufferPointer<UInt8>) -> (UInt8, UInt8, UInt8) {
        (letter(utf8, from: 0), letter(utf8, from: 5), letter(utf8, from: 10))
    }

    private static func letter(_ utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> UInt8 {
        var bits: UInt8 = 0
        for offset in 0..<5 where utf8[start + offset] &- UInt8(ascii: "A") < 26 { bits |= 1 << offset }
        return bits < 26 ? UInt8(ascii: "A") + bits : UInt8(ascii: "0") + bits - 26
    }

    private static func isBase62(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "A") < 26 || byte &- UInt8(ascii: "a") < 26
    }
}
