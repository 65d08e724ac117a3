/// Percent encoding and `application/x-www-form-urlencoded`, strictly: what is not valid is nil, not guessed at.
enum FormDecoding {
    /// Replaces `%41` by `A`; with `plusIsSpace`, as in forms and queries, `+` by a space. Nil for a broken escape or for
    /// bytes that are not UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(0x20)
            default:
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The parameters in their order; nil when one cannot be decoded.
    static func parameters(_ text: some StringProtocol) -> [(name: String, value: String)]? {
        var parameters: [(name: String, value: String)] = []
        for part in text.split(separator: "&") {
            let separator = part.firstIndex(of: "=") ?? part.endIndex
            let value = separator == part.endIndex ? part[separator...] : part[part.index(after: separator)...]
            guard let name = decode(part[..<separator], plusIsSpace: true), let value = decode(value, plusIsSpace: true)
            else {
                return nil
            }
            parameters.append((name, value))
        }
        return parameters
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
