import Crypto

extension AvroSchema {
    /// Avro's Parsing Canonical Form: what of a schema decides how bytes are read, and nothing else.
    public var canonicalForm: String {
        var writer = CanonicalFormWriter(types: types)
        writer.write(root)
        return writer.text
    }

    /// The id that Salesforce gives the schema: the MD5 of the canonical form, base64url without padding.
    public var id: SchemaID {
        SchemaID(Self.base64URL(Array(Insecure.MD5.hash(data: Array(canonicalForm.utf8)))))
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0...group.count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * index)) & 63]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Writes the canonical form of one schema. A named type is written where it first occurs and named afterwards.
private struct CanonicalFormWriter {
    let types: [AvroSchema.AvroType]
    var text = ""
    private var written: Set<Int> = []

    init(types: [AvroSchema.AvroType]) { self.types = types }

    mutating func write(_ index: Int) {
        switch types[index] {
        case .null: text += "\"null\""
        case .boolean: text += "\"boolean\""
        case .int: text += "\"int\""
        case .long: text += "\"long\""
        case .float: text += "\"float\""
        case .double: text += "\"double\""
        case .bytes: text += "\"bytes\""
        case .string: text += "\"string\""
        case .array(let items):
            text += "{\"type\":\"array\",\"items\":"
            write(items)
            text += "}"
        case .map(let values):
            text += "{\"type\":\"map\",\"values\":"
            write(values)
            text += "}"
        case .union(let branches): list(branches) { $0.write($1) }
        case .record(let record):
            guard open(index, record.name, "record") else { return }
            text += ",\"fields\":"
            list(record.fields) { writer, field in
                writer.text += "{\"name\":\"\(field.name)\",\"type\":"
                writer.write(field.type)
                writer.text += "}"
            }
            text += "}"
        case .enumeration(let enumeration):
            guard open(index, enumeration.name, "enum") else { return }
            text += ",\"symbols\":"
            list(enumeration.symbols) { $0.text += "\"\($1)\"" }
            text += "}"
        case .fixed(let fixed):
            guard open(index, fixed.name, "fixed") else { return }
            text += ",\"size\":\(fixed.size)}"
        }
    }

    /// Opens the definition of a named type, or writes its name and returns false where it is already defined.
    private mutating func open(_ index: Int, _ name: String, _ kind: String) -> Bool {
        guard written.insert(index).inserted else {
            text += "\"\(name)\""
            return false
        }
        text += "{\"name\":\"\(name)\",\"type\":\"\(kind)\""
        return true
    }

    private mutating func list<Item>(_ items: [Item], _ body: (inout Self, Item) -> Void) {
        text += "["
        for (position, item) in items.enumerated() {
            if position > 0 { text += "," }
            body(&self, item)
        }
        text += "]"
    }
}
