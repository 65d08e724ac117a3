/// The id of a record: 18 characters, of which the first 15 are the id and the last three its case checksum.
///
/// For each group of five of the 15 characters, the bits of the upper-case letters (least significant = first) form a
/// number 0–31 that is written with `ABCDEFGHIJKLMNOPQRSTUVWXYZ012345`. Events and REST answers carry the 18-character
/// form; inputs accept both. Compared bytewise.
public struct RecordID: Hashable, Sendable {
    /// Always 18 characters.
    public let string: String

    /// Accepts 15 characters (the checksum is added) or 18 (the checksum is verified). Nil for anything else.
    public init?(_ string: some StringProtocol) {
        let characters = Array(string.utf8)
        guard characters.count == 15 || characters.count == 18 else { return nil }
        guard characters.allSatisfy(Self.isBase62) else { return nil }
        let id = Array(characters.prefix(15))
        let checksum = Self.checksum(of: id)
        if characters.count == 18, Array(characters.suffix(3)) != checksum { return nil }
        self.string = String(decoding: id + checksum, as: UTF8.self)
    }

    /// `000000000000000AAA`, the record id of an overflow event.
    public static let empty = RecordID(uncheckedID: [UInt8](repeating: 0x30, count: 15))

    /// The first three characters: the type of object (`001` Account, `003` Contact, `500` Case).
    public var keyPrefix: Substring { string.prefix(3) }

    /// The 15-character form.
    public var short: Substring { string.prefix(15) }

    private init(uncheckedID: [UInt8]) {
        string = String(decoding: uncheckedID + Self.checksum(of: uncheckedID), as: UTF8.self)
    }

    private static func isBase62(_ character: UInt8) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    private static func checksum(of id: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        return stride(from: 0, to: 15, by: 5).map { start in
            var bits = 0
            for offset in 0..<5 where (0x41...0x5A).contains(id[start + offset]) { bits |= 1 << offset }
            return alphabet[bits]
        }
    }
}

extension RecordID: CustomStringConvertible {
    public var description: String { string }
}
