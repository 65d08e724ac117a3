/// Why a text is not JSON, and where: Salesforce's `JSON_PARSER_ERROR` says both.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    var reason: String
    /// From 1.
    var line: Int
    /// From 1, in characters.
    var column: Int

    package var description: String { "\(reason) at [line:\(line), column:\(column)]" }
}

/// Reads JSON as RFC 8259 writes it, and nothing else: no comments, no trailing commas, no `NaN`, no second member of the
/// same name.
///
/// Numbers stay the text they were, so that no digit is lost. Time and memory are linear in the length of the input; the
/// depth is bounded. A value type: one parser, one text, any thread.
package struct JSONParser {
    /// How deep arrays and objects may nest.
    static let depthMax = 64

    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0
    /// For `place(ofMember:in:)` only.
    private var wantedMember: String?
    private var found: Int?

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package static func parse(_ bytes: some Sequence<UInt8>) throws(JSONError) -> JSONValue {
        var parser = JSONParser(Array(bytes))
        parser.skipSpace()
        guard parser.index < parser.bytes.count else {
            throw parser.error("No content to map to Object due to end of input")
        }
        let value = try parser.value()
        parser.skipSpace()
        if parser.index < parser.bytes.count { throw parser.unexpected("expected the end of the document") }
        return value
    }

    /// Where a reader stands that has just taken the value of a member of the document's own object, whatever the case of its
    /// name: behind a text or a number, behind the opening bracket of an array or an object. That is the place that an org
    /// names. Nil where there is no such member.
    static func place(ofMember name: String, in bytes: some Sequence<UInt8>) -> (line: Int, column: Int)? {
        var parser = JSONParser(Array(bytes))
        parser.wantedMember = name.lowercased()
        parser.skipSpace()
        // A document that cannot be read has been refused before anybody asks this.
        _ = try? parser.value()
        guard let found = parser.found else { return nil }
        let place = parser.error("", at: found)
        return (place.line, place.column)
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = peek() else { throw end("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw unexpected("expected a valid value (number, String, array, object, 'true', 'false' or 'null')")
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try enter()
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipSpace()
        if peek() == UInt8(ascii: "}") {
            leave()
            return .object(members)
        }
        while true {
            skipSpace()
            guard let byte = peek() else { throw end("close marker for OBJECT") }
            guard byte == UInt8(ascii: "\"") else { throw unexpected("was expecting double-quote to start field name") }
            let start = index
            let name = try string()
            guard names.insert(name).inserted else { throw error("Duplicate field '\(name)'", at: start) }
            skipSpace()
            try expect(UInt8(ascii: ":"), "was expecting a colon to separate field name and value", within: "OBJECT")
            skipSpace()
            let valueStart = index
            let value = try value()
            if depth == 1, let wantedMember, name.lowercased() == wantedMember {
                switch value {
                case .array, .object: found = valueStart + 1
                case .null, .boolean, .number, .string: found = index
                }
            }
            members.append(JSONValue.Member(name: name, value: value))
            skipSpace()
            if peek() == UInt8(ascii: "}") {
                leave()
                return .object(members)
            }
            try expect(UInt8(ascii: ","), "was expecting comma to separate OBJECT entries", within: "OBJECT")
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        var values: [JSONValue] = []
        skipSpace()
        if peek() == UInt8(ascii: "]") {
            leave()
            return .array(values)
        }
        while true {
            skipSpace()
            if peek() == nil { throw end("close marker for ARRAY") }
            values.append(try value())
            skipSpace()
            if peek() == UInt8(ascii: "]") {
                leave()
                return .array(values)
            }
            try expect(UInt8(ascii: ","), "was expecting comma to separate ARRAY entries", within: "ARRAY")
        }
    }

    private mutating func enter() throws(JSONError) {
        guard depth < Self.depthMax else { throw error("The document nests deeper than \(Self.depthMax) levels") }
        depth += 1
        index += 1
    }

    private mutating func leave() {
        depth -= 1
        index += 1
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let start = index
        for offset in 0..<text.utf8CodeUnitCount {
            guard peek() == text.utf8Start[offset] else {
                throw error("Unrecognized token: expected '\(text)'", at: start)
            }
            index += 1
        }
        return value
    }

    private mutating func number() throws(JSONError) -> String {
        let start = index
        if peek() == UInt8(ascii: "-") { index += 1 }
        if peek() == UInt8(ascii: "0") {
            index += 1
            if digit() { throw error("Invalid numeric value: Leading zeroes not allowed", at: start) }
        } else {
            try digits()
        }
        if peek() == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            index += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private func digit() -> Bool {
        peek().map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private mutating func digits() throws(JSONError) {
        guard digit() else {
            throw peek() == nil ? end("digit in number") : unexpected("expected digit (0-9) in number")
        }
        while digit() { index += 1 }
    }

    private mutating func expect(_ byte: UInt8, _ reason: String, within: String) throws(JSONError) {
        guard let next = peek() else { throw end("close marker for \(within)") }
        guard next == byte else { throw unexpected(reason) }
        index += 1
    }

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }
}

extension JSONParser {
    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        // Most strings have no escape: found and checked in one piece.
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if peek() == UInt8(ascii: "\"") {
            let text = try decoded(bytes[start..<index], from: start)
            index += 1
            return text
        }
        var content = Array(bytes[start..<index])
        while true {
            guard let byte = peek() else { throw end("closing quote for a string value") }
            switch byte {
            case UInt8(ascii: "\""):
                let text = try decoded(content[...], from: start)
                index += 1
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &content)
            case 0..<0x20:
                throw error(
                    "Illegal unquoted character ((CTRL-CHAR, code \(byte))): has to be escaped using backslash to be "
                        + "included in string value")
            default:
                content.append(byte)
                index += 1
            }
        }
    }

    private func decoded(_ content: ArraySlice<UInt8>, from start: Int) throws(JSONError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw error("Invalid UTF-8 in a string", at: start)
        }
        return text
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        let start = index
        index += 1
        guard let byte = peek() else { throw end("escape sequence in a string value") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape(from: start, into: &content)
        default:
            throw error("Unrecognized character escape \(Self.shown(Unicode.Scalar(byte)))", at: start)
        }
    }

    private mutating func unicodeEscape(from start: Int, into content: inout [UInt8]) throws(JSONError) {
        var code = try codeUnit()
        if (0xD800..<0xDC00).contains(code) {
            guard peek() == UInt8(ascii: "\\"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "u") else {
                throw error("A high surrogate without its low surrogate", at: start)
            }
            index += 2
            let low = try codeUnit()
            guard (0xDC00..<0xE000).contains(low) else {
                throw error("A high surrogate without its low surrogate", at: start)
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw error("A low surrogate without its high surrogate", at: start)
        }
        content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek() else { throw end("character escape sequence") }
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw unexpected("expected a hex-digit for character escape sequence")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    private func end(_ expected: String) -> JSONError { error("Unexpected end-of-input: expected \(expected)") }

    private func unexpected(_ reason: String) -> JSONError {
        let rest = bytes[index..<min(index + 4, bytes.count)]
        let scalar = String(decoding: rest, as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
        return error("Unexpected character (\(Self.shown(scalar))): \(reason)")
    }

    /// `'x' (code 120)`
    private static func shown(_ scalar: Unicode.Scalar) -> String {
        scalar.value < 0x20 ? "(CTRL-CHAR, code \(scalar.value))" : "'\(scalar)' (code \(scalar.value))"
    }

    private func error(_ reason: String, at place: Int? = nil) -> JSONError {
        let before = bytes[..<(place ?? index)]
        let lineStart = (before.lastIndex(of: 0x0A) ?? -1) + 1
        let line = before.count(where: { $0 == 0x0A }) + 1
        // Continuation bytes of UTF-8 are not characters.
        let column = before[lineStart...].count(where: { $0 & 0xC0 != 0x80 }) + 1
        return JSONError(reason: reason, line: line, column: column)
    }
}
