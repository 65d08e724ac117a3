public import NIOCore

extension AvroSchema {
    /// Decodes a payload whole into a value. Bytes after the value are an error. Bounded in time, memory and depth.
    public func decode(_ payload: ByteBuffer) throws(AvroError) -> AvroValue {
        let outcome = payload.withUnsafeReadableBytes { bytes -> Result<AvroValue, AvroError> in
            var decoder = AvroDecoder(schema: self, bytes: bytes)
            do throws(AvroFault) {
                let value = try decoder.value(of: root, depth: 0)
                try decoder.cursor.endOfPayload()
                return .success(value)
            } catch {
                return .failure(error.error(path: decoder.pathText))
            }
        }
        return try outcome.get()
    }
}

/// Decodes one payload into `AvroValue`, keeping the path of the field it is at. Slow and complete; what the compiled
/// programs do without it is checked against it.
struct AvroDecoder {
    private enum Step {
        case field(String)
        case item(Int)
        case entry(String)
    }

    private let types: [AvroSchema.AvroType]
    private let bytesMin: [Int]
    private(set) var cursor: AvroCursor
    private var path: [Step] = []
    private var valuesLeft: Int
    /// Where to stop: see `path(at:schema:bytes:)`.
    private var target = Int.max

    init(schema: AvroSchema, bytes: UnsafeRawBufferPointer) {
        types = schema.types
        bytesMin = schema.bytesMin
        cursor = AvroCursor(bytes)
        valuesLeft = AvroLimits.valuesMax(payloadBytes: bytes.count)
    }

    /// The path of the field that holds the byte at `offset` of a payload, or in which decoding fails before it; nil when
    /// no field holds it.
    static func path(at offset: Int, schema: AvroSchema, bytes: UnsafeRawBufferPointer) -> String? {
        var decoder = AvroDecoder(schema: schema, bytes: bytes)
        decoder.target = offset
        do throws(AvroFault) {
            _ = try decoder.value(of: schema.root, depth: 0)
            return nil
        } catch {
            return decoder.pathText
        }
    }

    /// `ChangeEventHeader.recordIds[3]`; nil at the root.
    var pathText: String? {
        guard !path.isEmpty else { return nil }
        var text = ""
        for step in path {
            switch step {
            case .field(let name): text += (text.isEmpty ? "" : ".") + name
            case .item(let index): text += "[\(index)]"
            case .entry(let key): text += "[\"\(key.prefix(100))\"]"
            }
        }
        return text
    }

    mutating func value(of type: Int, depth: Int) throws(AvroFault) -> AvroValue {
        guard depth <= AvroLimits.valueDepthMax else { throw AvroFault(.tooDeep, at: cursor.offset) }
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw AvroFault(.tooMuchWork, at: cursor.offset) }
        let value = try undecorated(types[type], depth: depth)
        if cursor.offset > target { throw AvroFault(.located, at: target) }
        return value
    }

    private mutating func undecorated(_ type: AvroSchema.AvroType, depth: Int) throws(AvroFault) -> AvroValue {
        switch type {
        case .null: return .null
        case .boolean: return .boolean(try cursor.boolean())
        case .int: return .int(try cursor.int())
        case .long: return .long(try cursor.long())
        case .float: return .float(try cursor.float())
        case .double: return .double(try cursor.double())
        case .bytes: return .bytes(Array(try cursor.lengthPrefixed()))
        case .string: return .string(try cursor.string())
        case .fixed(let fixed):
            return .fixed(Array(UnsafeRawBufferPointer(start: try cursor.advance(fixed.size), count: fixed.size)))
        case .enumeration(let enumeration): return .enumeration(try cursor.symbol(of: enumeration.symbols.count))
        case .union(let branches):
            let branch = try cursor.branch(of: branches.count)
            return .union(branch: branch, try value(of: branches[branch], depth: depth + 1))
        case .record(let record):
            var values: [AvroValue] = []
            values.reserveCapacity(record.fields.count)
            for field in record.fields {
                path.append(.field(field.name))
                values.append(try value(of: field.type, depth: depth + 1))
                path.removeLast()
            }
            return .record(values)
        case .array(let items):
            var values: [AvroValue] = []
            try eachBlockItem(bytesMin: bytesMin[items]) { decoder throws(AvroFault) in
                decoder.path.append(.item(values.count))
                values.append(try decoder.value(of: items, depth: depth + 1))
                decoder.path.removeLast()
            }
            return .array(values)
        case .map(let valueType):
            var entries: [AvroValue.Entry] = []
            try eachBlockItem(bytesMin: 1) { decoder throws(AvroFault) in
                let key = try decoder.cursor.string()
                decoder.path.append(.entry(key))
                entries.append(AvroValue.Entry(key: key, value: try decoder.value(of: valueType, depth: depth + 1)))
                decoder.path.removeLast()
            }
            return .map(entries)
        }
    }

    private mutating func eachBlockItem(
        bytesMin: Int, _ body: (inout Self) throws(AvroFault) -> Void
    ) throws(AvroFault) {
        while true {
            // Items without bytes are bounded by `valuesLeft`.
            let (items, end) = try cursor.block(itemBytesMin: bytesMin)
            if items == 0 {
                try cursor.endOfBlock(end)
                return
            }
            var left = items
            while left > 0 {
                try body(&self)
                left -= 1
            }
            try cursor.endOfBlock(end)
        }
    }
}
