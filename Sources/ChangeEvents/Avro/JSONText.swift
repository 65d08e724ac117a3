/// A JSON document in memory, for schema texts. Not for events: those are written straight into buffers.
///
/// Numbers stay text (a schema's defaults may hold longs beyond 2^53); members keep their order; a repeated key is an
/// error. Reading is bounded in size and depth.
enum JSONText: Sendable {
    case null
    case boolean(Bool)
    case number(String)
    case string(String)
    case array([JSONText])
    case object([(key: String, value: JSONText)])

    init(parsing text: String) throws(AvroError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= AvroLimits.schemaBytesMax else {
            throw AvroError(
                code: .limitExceeded, message: "the schema is larger than \(AvroLimits.schemaBytesMax) bytes")
        }
        var reader = JSONTextReader(bytes: bytes)
        self = try reader.document()
    }

    /// The value of a member; nil when this is not an object or has no such member.
    subscript(key: String) -> JSONText? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

/// A recursive-descent reader over the bytes of one document, after RFC 8259.
private struct JSONTextReader {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(AvroError) -> JSONText {
        let value = try value(depth: 0)
        skipWhitespace()
        guard offset == bytes.count else { throw fault("text follows the end of the JSON") }
        return value
    }

    private func fault(_ message: String) -> AvroError {
        AvroError(code: .malformedSchema, message: message, offset: offset)
    }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func next() throws(AvroError) -> UInt8 {
        guard offset < bytes.count else { throw fault("the JSON ends too early") }
        offset += 1
        return bytes[offset - 1]
    }

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func value(depth: Int) throws(AvroError) -> JSONText {
        guard depth < AvroLimits.schemaTextDepthMax else {
            throw AvroError(
                code: .limitExceeded, message: "the JSON is nested deeper than \(AvroLimits.schemaTextDepthMax) levels",
                offset: offset)
        }
        skipWhitespace()
        switch peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case .some: return try number()
        case nil: throw fault("the JSON ends too early")
        }
    }

    private mutating func literal(_ text: String, _ value: JSONText) throws(AvroError) -> JSONText {
        guard bytes[offset...].starts(with: text.utf8) else { throw fault("not a JSON value") }
        offset += text.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(AvroError) -> JSONText {
        offset += 1
        var items: [JSONText] = []
        skipWhitespace()
        if peek() == UInt8(ascii: "]") {
            offset += 1
            return .array(items)
        }
        while true {
            items.append(try value(depth: depth + 1))
            skipWhitespace()
            switch try next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "]"): return .array(items)
            default: throw fault("a comma or ] is missing")
            }
        }
    }

    private mutating func object(depth: Int) throws(AvroError) -> JSONText {
        offset += 1
        var members: [(key: String, value: JSONText)] = []
        var keys: Set<String> = []
        skipWhitespace()
        if peek() == UInt8(ascii: "}") {
            offset += 1
            return .object(members)
        }
        while true {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw fault("a key is missing") }
            let key = try string()
            guard keys.insert(key).inserted else { throw fault("the key \(key) stands twice") }
            skipWhitespace()
            guard try next() == UInt8(ascii: ":") else { throw fault("a colon is missing") }
            members.append((key, try value(depth: depth + 1)))
            skipWhitespace()
            switch try next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return .object(members)
            default: throw fault("a comma or } is missing")
            }
        }
    }

    private mutating func number() throws(AvroError) -> JSONText {
        let start = offset
        func digits() -> Int {
            var end = offset
            while end < bytes.count, (0x30...0x39).contains(bytes[end]) { end += 1 }
            return end - offset
        }
        if peek() == UInt8(ascii: "-") { offset += 1 }
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[offset] != UInt8(ascii: "0") else { throw fault("not a JSON value") }
        offset += whole
        if peek() == UInt8(ascii: ".") {
            offset += 1
            let fraction = digits()
            guard fraction > 0 else { throw fault("a number ends in a point") }
            offset += fraction
        }
        if let mark = peek(), mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            offset += 1
            if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
            let exponent = digits()
            guard exponent > 0 else { throw fault("a number has no exponent") }
            offset += exponent
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    /// The text is a Swift string, so its bytes are UTF-8; only escapes need care.
    private mutating func string() throws(AvroError) -> String {
        offset += 1
        let start = offset
        while offset < bytes.count, PlainText.isPlain(bytes[offset]) { offset += 1 }
        if peek() == UInt8(ascii: "\"") {
            offset += 1
            return String(decoding: bytes[start..<offset - 1], as: UTF8.self)
        }
        var text = Array(bytes[start..<offset])
        while true {
            let byte = try next()
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20: throw fault("a control character stands in a string")
            default: text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(AvroError) {
        switch try next() {
        case UInt8(ascii: "\""): text.append(0x22)
        case UInt8(ascii: "\\"): text.append(0x5C)
        case UInt8(ascii: "/"): text.append(0x2F)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") else {
                    throw fault("half a surrogate pair")
                }
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("half a surrogate pair") }
            text.append(contentsOf: Array(String(scalar).utf8))
        default: throw fault("an unknown escape stands in a string")
        }
    }

    private mutating func hexadecimal() throws(AvroError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = HexDigit.value(try next()) else {
                throw fault("an escape has no four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}

/// Hexadecimal digits, both cases.
enum HexDigit {
    @inline(__always)
    static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character &- 0x30
        case 0x41...0x46: character &- 0x41 &+ 10
        case 0x61...0x66: character &- 0x61 &+ 10
        default: nil
        }
    }
}
