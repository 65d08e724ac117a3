/// Cuts a `$filter` into words. Works on the UTF-8 bytes of the decoded option.
struct ODataLexer {
    struct Token: Hashable {
        enum Kind: Hashable {
            case end
            /// A property, a function or an operator.
            case name(String)
            case literal(ODataLiteral)
            case open
            case close
            case comma
            /// Of a path, `Account/Name`.
            case slash
        }
        var kind: Kind
        var range: Range<Int>
    }

    private let bytes: [UInt8]
    private var offset = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func next() throws(ODataSyntaxError) -> Token {
        while offset < bytes.count, bytes[offset] == 0x20 || bytes[offset] == 0x09 { offset += 1 }
        guard offset < bytes.count else { return Token(kind: .end, range: offset..<offset) }
        let start = offset
        let byte = bytes[offset]
        switch byte {
        case UInt8(ascii: "("): return single(.open)
        case UInt8(ascii: ")"): return single(.close)
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "/"): return single(.slash)
        case UInt8(ascii: "'"): return try string()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"):
            return try unquoted()
        case UInt8(ascii: "@"), UInt8(ascii: "$"):
            throw ODataSyntaxError(
                message: "parameter aliases and $it are not supported", place: start, isUnsupported: true)
        case _ where Self.isNameStart(byte):
            while offset < bytes.count, Self.isNamePart(bytes[offset]) { offset += 1 }
            return Token(kind: .name(text(start..<offset)), range: start..<offset)
        default:
            throw ODataSyntaxError(message: "unexpected character \(quoted(start..<start + 1))", place: start)
        }
    }

    /// A token as messages name it.
    func describe(_ token: Token) -> String { token.kind == .end ? "the end" : quoted(token.range) }

    private mutating func single(_ kind: Token.Kind) -> Token {
        offset += 1
        return Token(kind: kind, range: offset - 1..<offset)
    }

    /// Two quotes in a row are one of the text.
    private mutating func string() throws(ODataSyntaxError) -> Token {
        let start = offset
        offset += 1
        var content: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            guard byte == UInt8(ascii: "'") else {
                content.append(byte)
                continue
            }
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "'") else {
                // Whole texts of a valid String: the quotes are ASCII, so nothing was cut in the middle of a character.
                return Token(
                    kind: .literal(.string(String(decoding: content, as: UTF8.self))), range: start..<offset)
            }
            content.append(byte)
            offset += 1
        }
        throw ODataSyntaxError(message: "the text that begins here has no closing quote (')", place: start)
    }

    private mutating func unquoted() throws(ODataSyntaxError) -> Token {
        let start = offset
        while offset < bytes.count, Self.isLiteralPart(bytes[offset]) { offset += 1 }
        let range = start..<offset
        do {
            return Token(kind: .literal(try ODataLiteral(unquoted: bytes[range])), range: range)
        } catch {
            throw ODataSyntaxError(message: "\(quoted(range)) \(error.reason)", place: start)
        }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func quoted(_ range: Range<Int>) -> String {
        var end = range.upperBound
        // A whole character, where the range ends inside one.
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        let text = text(range.lowerBound..<end)
        return text.count > Self.quotedCharactersMax ? "'\(text.prefix(Self.quotedCharactersMax))…'" : "'\(text)'"
    }

    /// Of the text that a message quotes.
    static let quotedCharactersMax = 40

    private static func isNameStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }

    private static func isNamePart(_ byte: UInt8) -> Bool { isNameStart(byte) || (0x30...0x39).contains(byte) }

    private static func isLiteralPart(_ byte: UInt8) -> Bool {
        isNamePart(byte) || [UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
    }
}
