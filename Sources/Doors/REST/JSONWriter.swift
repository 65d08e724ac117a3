package import NIOCore

/// Writes JSON: in one line, or, where `X-PrettyPrint: 1` asks for it, in lines as Salesforce (Jackson) lays them out.
package enum JSONWriter {
    package static func write(_ value: JSONValue, pretty: Bool = false, into buffer: inout ByteBuffer) {
        write(value, indent: pretty ? 0 : nil, into: &buffer)
    }

    /// `indent` nil: in one line.
    private static func write(_ value: JSONValue, indent: Int?, into buffer: inout ByteBuffer) {
        switch value {
        case .null: buffer.writeStaticString("null")
        case .boolean(let value): buffer.writeString(value ? "true" : "false")
        case .number(let text): buffer.writeString(text)
        case .string(let text): write(text, into: &buffer)
        case .array(let values): write(values, indent: indent, into: &buffer)
        case .object(let members): write(members, indent: indent, into: &buffer)
        }
    }

    private static func write(_ values: [JSONValue], indent: Int?, into buffer: inout ByteBuffer) {
        buffer.writeString(indent == nil ? "[" : "[ ")
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.writeString(indent == nil ? "," : ", ") }
            write(value, indent: indent, into: &buffer)
        }
        buffer.writeString(indent == nil || values.isEmpty ? "]" : " ]")
    }

    private static func write(_ members: [JSONValue.Member], indent: Int?, into buffer: inout ByteBuffer) {
        guard let indent else {
            buffer.writeStaticString("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                write(member.name, into: &buffer)
                buffer.writeStaticString(":")
                write(member.value, indent: nil, into: &buffer)
            }
            buffer.writeStaticString("}")
            return
        }
        guard !members.isEmpty else {
            buffer.writeStaticString("{ }")
            return
        }
        buffer.writeStaticString("{\n")
        for (index, member) in members.enumerated() {
            if index > 0 { buffer.writeStaticString(",\n") }
            buffer.writeRepeatingByte(0x20, count: 2 * (indent + 1))
            write(member.name, into: &buffer)
            buffer.writeStaticString(" : ")
            write(member.value, indent: indent + 1, into: &buffer)
        }
        buffer.writeStaticString("\n")
        buffer.writeRepeatingByte(0x20, count: 2 * indent)
        buffer.writeStaticString("}")
    }

    private static func write(_ text: String, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            for (index, byte) in bytes.enumerated()
            where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                buffer.writeBytes(bytes[written..<index])
                written = index + 1
                switch byte {
                case 0x08: buffer.writeStaticString("\\b")
                case 0x09: buffer.writeStaticString("\\t")
                case 0x0A: buffer.writeStaticString("\\n")
                case 0x0C: buffer.writeStaticString("\\f")
                case 0x0D: buffer.writeStaticString("\\r")
                case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
                case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
                default: buffer.writeString("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16))
                }
            }
            buffer.writeBytes(bytes[written...])
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }
}
