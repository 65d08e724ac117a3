public import NIOCore

extension EventSchema {
    /// Encodes a change event. `values` by flat REST name; a missing one is null, one that the schema does not have is
    /// left out. `header.changedFields` etc. are bitmaps. A compound whose components are all null is null.
    public func encode(header: ChangeEventHeader, values: [String: FieldValue]) throws(AvroError) -> ByteBuffer {
        guard isChangeEvent else {
            throw AvroError(code: .unencodableValue, message: "\(recordName) is not a change event")
        }
        var writer = EventWriter(schema: self)
        try writer.write(header)
        try writer.write(values, from: 1)
        return writer.encoder.buffer
    }

    /// Encodes a platform event. `values` as for change events; a field that may not be null must be there or have a
    /// default.
    public func encode(values: [String: FieldValue]) throws(AvroError) -> ByteBuffer {
        guard !isChangeEvent else {
            throw AvroError(code: .unencodableValue, message: "\(recordName) is a change event: it needs a header")
        }
        var writer = EventWriter(schema: self)
        try writer.write(values, from: 0)
        return writer.encoder.buffer
    }
}

/// Writes one event.
struct EventWriter {
    let schema: EventSchema
    var encoder: AvroEncoder

    init(schema: EventSchema) {
        self.schema = schema
        encoder = AvroEncoder(types: schema.avro.types)
    }

    private func fields(of type: Int) -> [AvroSchema.Field] {
        guard case .record(let record) = schema.avro.types[type] else { return [] }
        return record.fields
    }

    // MARK: Header

    mutating func write(_ header: ChangeEventHeader) throws(AvroError) {
        let headerFields = fields(of: Int(schema.program.fields.elements[0].operation))
        encoder.path = [EventSchema.headerName]
        for (member, field) in zip(schema.program.headerMembers.elements, headerFields) {
            encoder.path.append(field.name)
            switch member.role {
            case .entityName: encoder.string(header.entityName)
            case .recordIDs: encoder.strings(header.recordIDs)
            case .changeType:
                guard let symbol = schema.program.changeTypes.firstIndex(of: header.changeType) else {
                    throw encoder.fault("the schema has no change type \(header.changeType.rawValue)")
                }
                encoder.long(Int64(symbol))
            case .changeOrigin: encoder.string(header.changeOrigin)
            case .transactionKey: encoder.string(header.transactionKey)
            case .sequenceNumber: encoder.long(Int64(header.sequenceNumber))
            case .commitTimestamp: encoder.long(header.commitTimestamp)
            case .commitNumber: encoder.long(header.commitNumber)
            case .commitUser: encoder.string(header.commitUser)
            case .nulledFields: encoder.strings(try checked(header.nulledFields))
            case .diffFields: encoder.strings(try checked(header.diffFields))
            case .changedFields: encoder.strings(try checked(header.changedFields))
            case .other: try write(.null, field)
            }
            encoder.path.removeLast()
        }
        encoder.path = []
    }

    /// A bitmap that nobody could read must not leave this module.
    private func checked(_ bitmap: [String]) throws(AvroError) -> [String] {
        if !bitmap.isEmpty { _ = try schema.names(ofBitmap: bitmap) }
        return bitmap
    }

    // MARK: Body

    mutating func write(_ values: [String: FieldValue], from first: Int) throws(AvroError) {
        let record = fields(of: schema.avro.root)
        for index in first..<max(record.count, first) {
            let names = schema.fields[index].flatNames
            let field = record[index]
            guard let compound = schema.compoundTypes[index] else {
                encoder.path = [field.name]
                try write(values[names[0]] ?? .null, field)
                continue
            }
            let components = schema.fields[index].components.count
            if names.count > components, let scalar = values[names[components]], scalar != .null {
                encoder.path = [field.name]
                try write(scalar, field)
                continue
            }
            let parts = names.prefix(components).map { values[$0] ?? .null }
            try write(parts, of: compound, field)
        }
    }

    private mutating func write(_ parts: [FieldValue], of compound: Int, _ field: AvroSchema.Field) throws(AvroError) {
        encoder.path = [field.name]
        if parts.allSatisfy({ $0 == .null }), isNullable(field.type) { return try write(.null, field) }
        if case .union(let branches) = schema.avro.types[field.type] {
            encoder.long(Int64(branches.firstIndex(of: compound) ?? 0))
        }
        for (component, value) in zip(fields(of: compound), parts) {
            encoder.path = [field.name, component.name]
            try write(value, component)
        }
    }

    private func isNullable(_ type: Int) -> Bool {
        guard case .union(let branches) = schema.avro.types[type] else { return schema.avro.types[type].isNull }
        return branches.contains { schema.avro.types[$0].isNull }
    }

    /// Writes one value as the type of its field; a null where none is allowed becomes the field's default.
    private mutating func write(_ value: FieldValue, _ field: AvroSchema.Field) throws(AvroError) {
        if value == .null, !isNullable(field.type) {
            guard let defaultValue = field.defaultValue else { throw encoder.fault("the field may not be null") }
            return try encoder.write(defaultValue, type: field.type, depth: 1)
        }
        guard case .union(let branches) = schema.avro.types[field.type] else {
            guard try writePlain(value, schema.avro.types[field.type]) else { throw mismatch(value) }
            return
        }
        for (branch, type) in branches.enumerated() where fits(value, schema.avro.types[type]) {
            encoder.long(Int64(branch))
            guard try writePlain(value, schema.avro.types[type]) else { throw mismatch(value) }
            return
        }
        throw mismatch(value)
    }

    private func mismatch(_ value: FieldValue) -> AvroError {
        encoder.fault("a value of kind \(value.kindName) does not fit the field")
    }

    /// True when `writePlain` can write the value as this type.
    private func fits(_ value: FieldValue, _ type: AvroSchema.AvroType) -> Bool {
        switch (type, value) {
        case (.null, .null), (.boolean, .boolean), (.string, .string): true
        case (.int, _): value.wholeNumber.flatMap(Int32.init(exactly:)) != nil
        case (.long, _): value.wholeNumber != nil
        case (.float, _), (.double, _): value.number != nil
        case (.enumeration(let enumeration), .string(let text)): enumeration.symbols.contains(text)
        case (.bytes, .string(let text)): text.unicodeScalars.allSatisfy { $0.value <= 0xFF }
        case (.array(let items), .list): schema.avro.types[items].isString
        case (.null, _), (.boolean, _), (.string, _), (.enumeration, _), (.array, _), (.bytes, _), (.fixed, _),
            (.map, _),
            (.record, _), (.union, _):
            false
        }
    }

    /// False when the value is not of the type.
    private mutating func writePlain(_ value: FieldValue, _ type: AvroSchema.AvroType) throws(AvroError) -> Bool {
        switch (type, value) {
        case (.null, .null): return true
        case (.boolean, .boolean(let flag)): try encoder.write(.boolean(flag), type: 1, depth: 0)
        case (.int, _):
            guard let number = value.wholeNumber.flatMap(Int32.init(exactly:)) else { return false }
            encoder.long(Int64(number))
        case (.long, _):
            guard let number = value.wholeNumber else { return false }
            encoder.long(number)
        case (.float, _):
            guard let number = value.number else { return false }
            try encoder.write(.float(Float(number)), type: 4, depth: 0)
        case (.double, _):
            guard let number = value.number else { return false }
            encoder.double(number)
        case (.string, .string(let text)): encoder.string(text)
        case (.enumeration(let enumeration), .string(let text)):
            guard let symbol = enumeration.symbols.firstIndex(of: text) else { return false }
            encoder.long(Int64(symbol))
        case (.array(let items), .list(let texts)):
            guard schema.avro.types[items].isString else { return false }
            encoder.strings(texts)
        case (.bytes, .string(let text)):
            let scalars = text.unicodeScalars.map { UInt8(exactly: $0.value) }
            guard scalars.allSatisfy({ $0 != nil }) else { return false }
            try encoder.write(.bytes(scalars.compactMap { $0 }), type: 6, depth: 0)
        case (.null, _), (.boolean, _), (.string, _), (.enumeration, _), (.array, _), (.bytes, _), (.fixed, _),
            (.map, _),
            (.record, _), (.union, _):
            return false
        }
        return true
    }
}

extension FieldValue {
    /// The number that a long field holds: whole numbers, dates, times, and doubles without a fraction.
    fileprivate var wholeNumber: Int64? {
        switch self {
        case .integer(let number), .date(milliseconds: let number), .dateTime(milliseconds: let number),
            .time(milliseconds: let number):
            number
        case .double(let number): Int64(exactly: number)
        case .null, .boolean, .string, .list: nil
        }
    }

    fileprivate var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .double(let number): number
        case .null, .boolean, .string, .date, .dateTime, .time, .list: nil
        }
    }

    /// For errors, which hold no values.
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .boolean: "boolean"
        case .integer: "integer"
        case .double: "double"
        case .string: "string"
        case .date: "date"
        case .dateTime: "date-time"
        case .time: "time"
        case .list: "list"
        }
    }
}
