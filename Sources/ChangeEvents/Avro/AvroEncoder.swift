public import NIOCore

extension AvroSchema {
    /// Encodes a value as stock encoders do: the shortest form of each number, arrays and maps as one block.
    public func encode(_ value: AvroValue) throws(AvroError) -> ByteBuffer {
        var encoder = AvroEncoder(types: types)
        try encoder.write(value, type: root, depth: 0)
        return encoder.buffer
    }
}

/// Writes Avro's binary form.
struct AvroEncoder {
    private let types: [AvroSchema.AvroType]
    /// An event of an org is seldom larger.
    private static let usualBytes = 1_024
    private var bytes: [UInt8] = []
    /// The path of the field that is being written, for errors.
    var path: [String] = []

    init(types: [AvroSchema.AvroType]) {
        self.types = types
        bytes.reserveCapacity(Self.usualBytes)
    }

    var buffer: ByteBuffer { ByteBuffer(bytes: bytes) }

    func fault(_ message: String) -> AvroError {
        AvroError(code: .unencodableValue, message: message, path: path.isEmpty ? nil : path.joined(separator: "."))
    }

    /// Writes a value of the type with this index.
    mutating func write(_ value: AvroValue, type: Int, depth: Int) throws(AvroError) {
        guard depth <= AvroLimits.valueDepthMax, bytes.count <= AvroLimits.outputBytesMax else {
            throw AvroError(
                code: .limitExceeded, message: "the value is too deep or too large to encode",
                path: path.joined(separator: "."))
        }
        guard try writeMatching(value, types[type], depth: depth) else {
            throw fault("the value is not of the field's type")
        }
    }

    /// False when the value is not of the type.
    private mutating func writeMatching(
        _ value: AvroValue, _ type: AvroSchema.AvroType, depth: Int
    ) throws(AvroError) -> Bool {
        switch value {
        case .null: return type.isNull
        case .boolean(let flag):
            guard case .boolean = type else { return false }
            byte(flag ? 1 : 0)
        case .int(let number):
            guard case .int = type else { return false }
            long(Int64(number))
        case .long(let number):
            guard case .long = type else { return false }
            long(number)
        case .float(let number):
            guard case .float = type else { return false }
            withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        case .double(let number):
            guard case .double = type else { return false }
            double(number)
        case .bytes(let content):
            guard case .bytes = type else { return false }
            long(Int64(content.count))
            bytes.append(contentsOf: content)
        case .string(let text):
            guard case .string = type else { return false }
            string(text)
        case .fixed(let content):
            guard case .fixed(let fixed) = type, content.count == fixed.size else { return false }
            bytes.append(contentsOf: content)
        case .enumeration(let symbol):
            guard case .enumeration(let enumeration) = type, enumeration.symbols.indices.contains(symbol) else {
                return false
            }
            long(Int64(symbol))
        case .union(let branch, let value):
            guard case .union(let branches) = type, branches.indices.contains(branch) else { return false }
            long(Int64(branch))
            try write(value, type: branches[branch], depth: depth + 1)
        case .record(let values):
            guard case .record(let record) = type, values.count == record.fields.count else { return false }
            for (field, value) in zip(record.fields, values) {
                path.append(field.name)
                try write(value, type: field.type, depth: depth + 1)
                path.removeLast()
            }
        case .array(let values):
            guard case .array(let items) = type else { return false }
            if !values.isEmpty { long(Int64(values.count)) }
            for value in values { try write(value, type: items, depth: depth + 1) }
            long(0)
        case .map(let entries):
            guard case .map(let valueType) = type else { return false }
            if !entries.isEmpty { long(Int64(entries.count)) }
            for entry in entries {
                string(entry.key)
                try write(entry.value, type: valueType, depth: depth + 1)
            }
            long(0)
        }
        return true
    }

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    /// A zigzag variable-length number.
    mutating func long(_ number: Int64) {
        var bits = UInt64(bitPattern: number << 1 ^ number >> 63)
        while bits >= 0x80 {
            byte(UInt8(truncatingIfNeeded: bits) | 0x80)
            bits >>= 7
        }
        byte(UInt8(bits))
    }

    mutating func double(_ number: Double) {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) {
        long(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func strings(_ texts: [String]) {
        if !texts.isEmpty { long(Int64(texts.count)) }
        for text in texts { string(text) }
        long(0)
    }
}
