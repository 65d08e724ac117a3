/// What a text is read as. One grammar; a condition that stands alone (a subscription's, a channel's) may hold less.
enum Dialect: Hashable {
    case condition
    case query

    var noun: String { self == .condition ? "condition" : "query" }
    var textCharactersMax: Int {
        self == .condition ? SyntaxLimits.textCharactersMax : SyntaxLimits.queryCharactersMax
    }
}

/// Cuts the text of a condition or query into tokens, one at a time. Works on the UTF-8 bytes; positions become characters only
/// when an error is made.
struct Lexer {
    private let text: String
    let bytes: [UInt8]
    private var offset = 0

    init(_ text: String, dialect: Dialect) throws(SOQLError) {
        self.text = text
        let charactersMax = dialect.textCharactersMax
        // The byte count is O(1): text far over the limit is refused without being walked.
        guard text.utf8.count <= charactersMax * 4, text.unicodeScalars.count <= charactersMax else {
            throw SOQLError(
                message: "the \(dialect.noun) is longer than \(charactersMax) characters", position: charactersMax + 1)
        }
        bytes = Array(text.utf8)
    }

    mutating func next() throws(SOQLError) -> Token {
        while offset < bytes.count, isSpace(bytes[offset]) { offset += 1 }
        guard offset < bytes.count else { return Token(kind: .end, range: offset..<offset) }
        let start = offset
        switch bytes[offset] {
        case UInt8(ascii: "("): return single(.open)
        case UInt8(ascii: ")"): return single(.close)
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "'"): return try string()
        case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "<"), UInt8(ascii: ">"): return try comparison()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): return try literal()
        case let byte where isNameStart(byte): return try name()
        case UInt8(ascii: "\""):
            throw error("text stands in single quotes (') in SOQL, not in double quotes", at: start)
        case UInt8(ascii: ":"):
            throw error("bind variables are not allowed here: write the value itself", at: start)
        default:
            throw error("unexpected character \(quoted(start..<start + 1))", at: start)
        }
    }

    /// Makes an error for a byte offset.
    func error(_ message: String, at offset: Int) -> SOQLError {
        SOQLError(message: message, position: String(decoding: bytes[..<offset], as: UTF8.self).count + 1)
    }

    /// A token as messages name it.
    func describe(_ token: Token) -> String {
        token.kind == .end ? "end of text" : quoted(token.range)
    }

    /// Reads the `:7` that stands directly behind the last token; nil when there is none.
    mutating func count() throws(SOQLError) -> Int? {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else { return nil }
        let start = offset + 1
        var end = start
        while end < bytes.count, isDigit(bytes[end]) { end += 1 }
        guard end > start, let count = Int(text(of: start..<end)), count <= RelativeDate.countMax else {
            throw error("expected a number up to \(RelativeDate.countMax) after ':'", at: start)
        }
        offset = end
        return count
    }

    func text(of range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private func quoted(_ range: Range<Int>) -> String {
        var end = range.upperBound
        // A whole character, where the range ends inside one.
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        let text = String(decoding: bytes[range.lowerBound..<end], as: UTF8.self)
        guard text.count > SyntaxLimits.quotedCharactersMax else { return "'\(text)'" }
        return "'\(text.prefix(SyntaxLimits.quotedCharactersMax))…'"
    }

    private mutating func single(_ kind: Token.Kind) -> Token {
        offset += 1
        return Token(kind: kind, range: offset - 1..<offset)
    }

    private mutating func comparison() throws(SOQLError) -> Token {
        let start = offset
        let second = offset + 1 < bytes.count ? bytes[offset + 1] : 0
        let operation: ComparisonOperator
        let length: Int
        switch (bytes[offset], second) {
        case (UInt8(ascii: "!"), UInt8(ascii: "=")), (UInt8(ascii: "<"), UInt8(ascii: ">")):
            (operation, length) = (.notEqual, 2)
        case (UInt8(ascii: "<"), UInt8(ascii: "=")): (operation, length) = (.lessOrEqual, 2)
        case (UInt8(ascii: ">"), UInt8(ascii: "=")): (operation, length) = (.greaterOrEqual, 2)
        case (UInt8(ascii: "="), _): (operation, length) = (.equal, 1)
        case (UInt8(ascii: "<"), _): (operation, length) = (.less, 1)
        case (UInt8(ascii: ">"), _): (operation, length) = (.greater, 1)
        default: throw error("unexpected character '!': the operator for 'not equal' is !=", at: start)
        }
        offset += length
        return Token(kind: .comparison(operation), range: start..<offset)
    }

    private mutating func string() throws(SOQLError) -> Token {
        let start = offset
        offset += 1
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "'"):
                offset += 1
                return Token(kind: .string, range: start..<offset)
            case UInt8(ascii: "\\"): offset += 2
            default: offset += 1
            }
        }
        throw error("the text that begins here has no closing quote (')", at: start)
    }

    private mutating func name() throws(SOQLError) -> Token {
        let start = offset
        while true {
            while offset < bytes.count, isNamePart(bytes[offset]) { offset += 1 }
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: ".") else { break }
            guard offset + 1 < bytes.count, isNameStart(bytes[offset + 1]) else {
                throw error("expected a name after '.'", at: offset + 1)
            }
            offset += 1
        }
        return Token(kind: .name, range: start..<offset)
    }

    /// Numbers, dates and times are one run of the characters they are made of; `LiteralReader` says what it is.
    private mutating func literal() throws(SOQLError) -> Token {
        let start = offset
        while offset < bytes.count, isLiteralPart(bytes[offset]) { offset += 1 }
        do {
            return Token(kind: .literal(try LiteralReader.value(of: bytes[start..<offset])), range: start..<offset)
        } catch {
            throw self.error("\(quoted(start..<offset)) \(error.reason)", at: start)
        }
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func isNamePart(_ byte: UInt8) -> Bool {
        isNameStart(byte) || isDigit(byte)
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private func isLiteralPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: isNamePart(byte)
        }
    }
}
