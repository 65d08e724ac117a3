/// Reads the XML of requests: elements, attributes, text, CDATA, comments, the five named
/// entities and character references, in UTF-8.
///
/// Hand-made and strict, because what it does not know it cannot be attacked with: there is no DTD (a `<!DOCTYPE` is
/// refused, so nothing expands and nothing outside is read), depth and number of elements are bounded, and time is linear in
/// the length. A value type: one reader, one text, any thread.
struct XMLReader {
    static let depthMax = 32
    /// Enough for a SOAP call; a caller that takes more says so.
    static let elementsMax = 4_096

    private let bytes: [UInt8]
    private let elementsMax: Int
    private var index = 0
    private var elements = 0

    private init(_ bytes: [UInt8], elementsMax: Int) {
        self.bytes = bytes
        self.elementsMax = elementsMax
    }

    /// The root element.
    static func parse(
        _ bytes: some Sequence<UInt8>, elementsMax: Int = Self.elementsMax
    ) throws(XMLError) -> XMLElement {
        var reader = XMLReader(Array(bytes), elementsMax: elementsMax)
        try reader.checkNoncharacters()
        reader.skip(prefix: [0xEF, 0xBB, 0xBF])
        if reader.starts(with: "<?xml") { try reader.skipInstruction() }
        try reader.skipMiscellany()
        guard reader.peek() == UInt8(ascii: "<") else { throw reader.error("Content is not allowed in prolog.") }
        let root = try reader.element(depth: 1)
        try reader.skipMiscellany()
        guard reader.index == reader.bytes.count else {
            throw reader.error("The markup following the root element must be well-formed.")
        }
        return root
    }

    private mutating func element(depth: Int) throws(XMLError) -> XMLElement {
        guard depth <= Self.depthMax else { throw error("elements nest deeper than \(Self.depthMax)") }
        elements += 1
        guard elements <= elementsMax else { throw error("more than \(elementsMax) elements") }
        index += 1
        let qualified = try name()
        var element = XMLElement(name: Self.local(qualified))
        var names: Set<[UInt8]> = []
        while true {
            let hadSpace = skipSpace()
            guard let byte = peek() else { throw end() }
            if byte == UInt8(ascii: "/") {
                index += 1
                try expect(UInt8(ascii: ">"))
                return element
            }
            if byte == UInt8(ascii: ">") {
                index += 1
                break
            }
            guard hadSpace else { throw error("attributes must be separated by white space") }
            let (attribute, value) = try attribute()
            guard names.insert(Array(attribute)).inserted else { throw error("an attribute is given twice") }
            if !attribute.starts(with: "xmlns".utf8) { element.attributes[Self.local(attribute)] = value }
        }
        try content(of: &element, qualified, depth: depth)
        return element
    }

    private mutating func content(
        of element: inout XMLElement, _ qualified: ArraySlice<UInt8>, depth: Int
    ) throws(XMLError) {
        var text: [UInt8] = []
        while true {
            guard let byte = peek() else { throw end() }
            switch byte {
            case UInt8(ascii: "<"):
                if starts(with: "</") {
                    index += 2
                    guard try name() == qualified else { throw error("an end tag does not match its start tag") }
                    _ = skipSpace()
                    try expect(UInt8(ascii: ">"))
                    element.text = try string(text)
                    return
                } else if starts(with: "<![CDATA[") {
                    index += 9
                    text += try upTo("]]>")
                } else if starts(with: "<!--") {
                    try skipComment()
                } else if starts(with: "<?") {
                    try skipInstruction()
                } else if starts(with: "<!") {
                    throw error("DOCTYPE is disallowed")
                } else {
                    element.children.append(try self.element(depth: depth + 1))
                }
            case UInt8(ascii: "&"):
                try reference(into: &text)
            default:
                text.append(try character(byte))
                index += 1
            }
        }
    }

    private mutating func attribute() throws(XMLError) -> (name: ArraySlice<UInt8>, value: String) {
        let name = try name()
        _ = skipSpace()
        try expect(UInt8(ascii: "="))
        _ = skipSpace()
        guard let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw error("an attribute's value must be quoted")
        }
        index += 1
        var value: [UInt8] = []
        while let byte = peek(), byte != quote {
            if byte == UInt8(ascii: "<") { throw error("'<' in an attribute's value") }
            if byte == UInt8(ascii: "&") {
                try reference(into: &value)
            } else {
                value.append(try character(byte))
                index += 1
            }
        }
        guard peek() != nil else { throw end() }
        index += 1
        return (name, try string(value))
    }

    private mutating func name() throws(XMLError) -> ArraySlice<UInt8> {
        let start = index
        while let byte = peek(), Self.isNameByte(byte) { index += 1 }
        let name = bytes[start..<index]
        guard let first = name.first, !(0x30...0x39).contains(first), first != UInt8(ascii: "-"),
            first != UInt8(ascii: "."), first != UInt8(ascii: ":"), name.filter({ $0 == UInt8(ascii: ":") }).count <= 1,
            name.last != UInt8(ascii: ":"), String(validating: name, as: UTF8.self) != nil
        else { throw error("a name was expected") }
        return name
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: ":"), 0x80...0xFF:
            true
        default: false
        }
    }

    private static func local(_ qualified: ArraySlice<UInt8>) -> String {
        let start = qualified.lastIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? qualified.startIndex
        return String(decoding: qualified[start...], as: UTF8.self)
    }
}

extension XMLReader {
    private static let entities: [String: UInt8] = [
        "lt": UInt8(ascii: "<"), "gt": UInt8(ascii: ">"), "amp": UInt8(ascii: "&"), "apos": UInt8(ascii: "'"),
        "quot": UInt8(ascii: "\""),
    ]
    /// The longest reference: `&#x10FFFF;` with some leading zeros.
    private static let referenceBytesMax = 16

    private mutating func reference(into text: inout [UInt8]) throws(XMLError) {
        let rest = bytes[(index + 1)...].prefix(Self.referenceBytesMax)
        guard let semicolon = rest.firstIndex(of: UInt8(ascii: ";")) else { throw error("an entity does not end") }
        let name = String(decoding: rest[..<semicolon], as: UTF8.self)
        if let byte = Self.entities[name] {
            text.append(byte)
        } else if name.hasPrefix("#") {
            let digits = name.dropFirst()
            let isHexadecimal = digits.hasPrefix("x")
            let number = isHexadecimal ? digits.dropFirst() : digits
            guard number.utf8.allSatisfy({ Self.isHexadecimal($0) }),
                let code = UInt32(number, radix: isHexadecimal ? 16 : 10), Self.isCharacter(code),
                let scalar = Unicode.Scalar(code)
            else { throw error("a character reference names no character") }
            text += Array(String(Character(scalar)).utf8)
        } else {
            throw error("the entity was referenced, but not declared")
        }
        index = semicolon + 1
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func isCharacter(_ code: UInt32) -> Bool {
        code >= 0x20 && code != 0xFFFE && code != 0xFFFF || code == 0x9 || code == 0xA || code == 0xD
    }

    /// U+FFFE and U+FFFF are no characters of XML 1.0 (section 2.2), wherever they stand. In UTF-8 their first byte begins
    /// nothing but a character of three bytes, so what looks like one is one.
    private mutating func checkNoncharacters() throws(XMLError) {
        for place in bytes.indices where bytes[place] == 0xEF && place + 2 < bytes.count {
            guard bytes[place + 1] == 0xBF, bytes[place + 2] >= 0xBE else { continue }
            index = place
            throw error("an invalid XML character")
        }
    }

    private func character(_ byte: UInt8) throws(XMLError) -> UInt8 {
        guard byte >= 0x20 || byte == 0x9 || byte == 0xA || byte == 0xD else {
            throw error("an invalid XML character")
        }
        return byte
    }

    private func string(_ text: [UInt8]) throws(XMLError) -> String {
        guard let string = String(validating: text, as: UTF8.self) else { throw error("the text is not UTF-8") }
        return string
    }

    private mutating func upTo(_ end: StaticString) throws(XMLError) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count {
            if starts(with: end) {
                let content = bytes[start..<index]
                index += end.utf8CodeUnitCount
                for byte in content { _ = try character(byte) }
                return content
            }
            index += 1
        }
        throw self.end()
    }

    private mutating func skipComment() throws(XMLError) {
        index += 4
        _ = try upTo("-->")
    }

    private mutating func skipInstruction() throws(XMLError) {
        index += 2
        _ = try upTo("?>")
    }

    /// White space, comments and instructions outside the root element.
    private mutating func skipMiscellany() throws(XMLError) {
        while true {
            _ = skipSpace()
            if starts(with: "<!--") {
                try skipComment()
            } else if starts(with: "<?") {
                try skipInstruction()
            } else if starts(with: "<!") {
                throw error("DOCTYPE is disallowed")
            } else {
                return
            }
        }
    }

    private func starts(with text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - index >= count else { return false }
        for offset in 0..<count where bytes[index + offset] != text.utf8Start[offset] { return false }
        return true
    }

    private mutating func skip(prefix: [UInt8]) {
        if bytes.starts(with: prefix) { index += prefix.count }
    }

    private mutating func skipSpace() -> Bool {
        let start = index
        while let byte = peek(), byte == 0x20 || byte == 0x9 || byte == 0xA || byte == 0xD { index += 1 }
        return index > start
    }

    private mutating func expect(_ byte: UInt8) throws(XMLError) {
        guard let next = peek() else { throw end() }
        guard next == byte else { throw error("'\(Character(Unicode.Scalar(byte)))' was expected") }
        index += 1
    }

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }
    private func error(_ reason: String) -> XMLError { XMLError(reason: reason, offset: index) }
    private func end() -> XMLError { error("XML document structures must start and end within the same entity.") }
}
