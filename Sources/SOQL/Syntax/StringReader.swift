/// Undoes the escapes of a text between quotes: `\'`, `\"`, `\\`, `\n`, `\r`, `\t`, `\b`, `\f` (either case), `\uXXXX`,
/// and `\_` and `\%`, which stand for the bare characters of a pattern.
struct StringReader {
    /// A character of the text.
    enum Element {
        case character(Unicode.Scalar)
        /// `%` without a backslash.
        case anyText
        /// `_` without a backslash.
        case anyCharacter
    }

    struct Refusal: Error {
        var message: String
        /// Byte offset from the opening quote.
        var offset: Int
    }

    /// The token's bytes, quotes included.
    let bytes: ArraySlice<UInt8>
    var charactersMax = SyntaxLimits.stringCharactersMax

    /// As a plain text, where `%` and `_` mean themselves.
    func plain() throws(Refusal) -> String {
        var scalars = String.UnicodeScalarView()
        try forEach { element in
            switch element {
            case .character(let scalar): scalars.append(scalar)
            case .anyText: scalars.append("%")
            case .anyCharacter: scalars.append("_")
            }
        }
        return String(scalars)
    }

    /// As a `LIKE` pattern.
    func pattern() throws(Refusal) -> LikePattern {
        var pattern = LikePattern()
        try forEach { element in
            switch element {
            case .character(let scalar): pattern.append(scalar)
            case .anyText: pattern.appendAnyText()
            case .anyCharacter: pattern.appendAnyCharacter()
            }
        }
        return pattern
    }

    private func forEach(_ body: (Element) -> Void) throws(Refusal) {
        let content = bytes.dropFirst().dropLast()
        let scalars = Array(String(decoding: content, as: UTF8.self).unicodeScalars)
        guard scalars.count <= charactersMax else {
            throw Refusal(message: "a text is longer than \(charactersMax) characters", offset: 0)
        }
        var index = 0
        var offset = 1
        while index < scalars.count {
            let scalar = scalars[index]
            let width = UTF8.width(scalar)
            switch scalar {
            case "%": body(.anyText)
            case "_": body(.anyCharacter)
            case "\\":
                let escape = try escape(in: scalars, at: index, offset: offset)
                body(.character(escape.scalar))
                // All characters of an escape are ASCII: one byte each.
                index += escape.length
                offset += escape.length
                continue
            default: body(.character(scalar))
            }
            index += 1
            offset += width
        }
    }

    private func escape(
        in scalars: [Unicode.Scalar], at index: Int, offset: Int
    ) throws(Refusal) -> (scalar: Unicode.Scalar, length: Int) {
        let letter: Unicode.Scalar? = index + 1 < scalars.count ? scalars[index + 1] : nil
        switch letter {
        case "n", "N": return ("\n", 2)
        case "r", "R": return ("\r", 2)
        case "t", "T": return ("\t", 2)
        case "b", "B": return ("\u{8}", 2)
        case "f", "F": return ("\u{C}", 2)
        case "'", "\"", "\\", "%", "_": return (letter ?? "\\", 2)
        case "u", "U":
            guard let unit = hexadecimal(in: scalars, at: index + 2) else {
                throw Refusal(message: "expected four hexadecimal digits after \\u", offset: offset)
            }
            if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
            if UTF16.isLeadSurrogate(UInt16(unit)), index + 7 < scalars.count, scalars[index + 6] == "\\",
                scalars[index + 7] == "u" || scalars[index + 7] == "U",
                let trail = hexadecimal(in: scalars, at: index + 8),
                (0xDC00...0xDFFF).contains(trail),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (trail - 0xDC00))
            {
                return (scalar, 12)
            }
            throw Refusal(message: "\\u escapes give half of a surrogate pair", offset: offset)
        default:
            throw Refusal(
                message:
                    "a backslash must be written as \\\\ where it does not begin an escape "
                    + "(\\' \\\" \\\\ \\n \\r \\t \\b \\f \\_ \\% \\uXXXX)",
                offset: offset)
        }
    }

    private func hexadecimal(in scalars: [Unicode.Scalar], at index: Int) -> UInt32? {
        guard index + 4 <= scalars.count else { return nil }
        var unit: UInt32 = 0
        for scalar in scalars[index..<index + 4] {
            guard let digit = scalar.properties.isASCIIHexDigit ? Character(scalar).hexDigitValue : nil else {
                return nil
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
