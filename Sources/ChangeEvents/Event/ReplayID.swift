/// A place in an org's event bus: opaque bytes, stored and sent unchanged.
///
/// Salesforce documents replay ids as opaque. On the wire they have been 10 bytes: an 8-byte big-endian counter and two
/// zero bytes; the service accepts the bare counter as well, and CometD shows the counter as a JSON number. Equality is
/// the only comparison that means anything: there is deliberately no `Comparable` (replay ids of another org, or from
/// before a migration, are unrelated), and a replay id is not a unique key (enriched events split per record repeat it).
public struct ReplayID: Hashable, Sendable {
    /// The bytes as received.
    public let bytes: [UInt8]

    public init(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// The 10-byte form of a counter, as the Pub/Sub API sends it.
    public init(counter: UInt64) {
        var bytes = [UInt8](repeating: 0, count: 10)
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: counter >> UInt64(56 - 8 * index)) }
        self.bytes = bytes
    }

    /// The counter behind the observed forms (8 bytes, or 10 with the low two zero), as CometD shows it; nil for any other
    /// form.
    public var counter: UInt64? {
        guard bytes.count == 8 || (bytes.count == 10 && bytes[8] == 0 && bytes[9] == 0) else { return nil }
        return bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension ReplayID: CustomStringConvertible {
    /// The counter in decimal where the bytes hold one, otherwise `0x` and lower-case hexadecimal. `init?(_:)` reads both.
    public var description: String {
        if let counter { return String(counter) }
        return "0x" + bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Reads what `description` writes. A decimal number gives the 10-byte form.
    public init?(_ description: String) {
        if description.hasPrefix("0x") {
            let digits = Array(description.utf8.dropFirst(2))
            guard digits.count.isMultiple(of: 2), !digits.isEmpty, digits.count <= 128 else { return nil }
            var bytes: [UInt8] = []
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let high = HexDigit.value(digits[index]), let low = HexDigit.value(digits[index + 1]) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            }
            self.init(bytes: bytes)
        } else {
            guard let first = description.utf8.first, (0x30...0x39).contains(first), let counter = UInt64(description)
            else {
                return nil
            }
            self.init(counter: counter)
        }
    }
}
