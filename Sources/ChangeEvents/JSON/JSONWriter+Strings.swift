extension JSONWriter {
    /// A string from a payload: the text is checked to be UTF-8, quoted and escaped. `start` is its offset, for the fault.
    @inline(__always)
    mutating func string(_ text: UnsafeRawBufferPointer, at start: Int) throws(AvroFault) {
        guard quoted(text) else { throw AvroFault(.notUTF8, at: start) }
    }

    /// A Swift string, quoted and escaped.
    mutating func string(_ text: String) {
        var text = text
        let isUTF8 = text.withUTF8 { bytes in quoted(UnsafeRawBufferPointer(bytes)) }
        precondition(isUTF8, "a Swift string's UTF-8 view is well-formed")
    }

    /// An array of strings.
    mutating func strings(_ texts: [String]) {
        byte(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { byte(UInt8(ascii: ",")) }
            string(text)
        }
        byte(UInt8(ascii: "]"))
    }

    /// Writes the text quoted and escaped; false when it is not UTF-8 (what is written then is of no use).
    @inline(__always)
    private mutating func quoted(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let source = text.baseAddress else {
            raw("\"\"")
            return true
        }
        let length = text.count
        // Room for the text as it is, two quotes, and the slack of the last eight-byte store.
        guard hasRoom(length &+ 10) else { return UTF8Sequence.isValid(text) }
        let target = base + (count &+ 1)
        base.storeBytes(of: UInt8(ascii: "\""), toByteOffset: count, as: UInt8.self)
        var index = 0
        while index &+ 8 <= length {
            let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard PlainText.isPlain(word) else { break }
            target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        while index < length {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            guard PlainText.isPlain(byte) else { break }
            target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
        count &+= 1 &+ index
        if index < length, !escaped(text, from: index) { return false }
        byte(UInt8(ascii: "\""))
        return true
    }

    /// The rest of a string, from its first character that cannot stand as it is.
    private mutating func escaped(_ text: UnsafeRawBufferPointer, from first: Int) -> Bool {
        guard let address = text.baseAddress else { return true }
        var index = first
        while index < text.count {
            let byte = text[index]
            if byte >= 0x80 {
                let length = UTF8Sequence.length(text, at: index)
                guard length > 0 else { return false }
                for offset in 0..<length { self.byte(text[index + offset]) }
                index += length
                continue
            }
            if PlainText.isPlain(byte) {
                let end = PlainText.end(of: text, from: index)
                raw(address + index, end - index)
                index = end
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0x08: raw("\\b")
            case 0x0C: raw("\\f")
            default:
                raw("\\u00")
                hexadecimal(byte >> 4)
                hexadecimal(byte & 15)
            }
            index += 1
        }
        return true
    }

    private mutating func hexadecimal(_ digit: UInt8) {
        byte(digit < 10 ? digit + 0x30 : digit - 10 + 0x61)
    }

    /// Bytes as Avro writes them in JSON: the characters U+0000 to U+00FF.
    mutating func latin1(_ bytes: UnsafeRawBufferPointer) {
        byte(UInt8(ascii: "\""))
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x20..<0x7F: self.byte(byte)
            default:
                raw("\\u00")
                hexadecimal(byte >> 4)
                hexadecimal(byte & 15)
            }
        }
        byte(UInt8(ascii: "\""))
    }
}
