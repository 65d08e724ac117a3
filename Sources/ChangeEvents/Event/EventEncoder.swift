public import NIOCore

/// Writes change events of one schema from records of one shape: what `EventSchema.encode` finds out for every value (where
/// it stands in the record, which branch of its union it takes) is found once. Immutable; any thread may use it.
///
/// It writes the same bytes. What it has no short way for (a type that is no plain one, a value that does not fit) goes
/// through `EventSchema.encode`, which then says what is wrong.
public final class EventEncoder: Sendable {
    public let schema: EventSchema
    public let shape: RecordShape
    private let fields: [Field]

    /// Types that most fields have: a value, or null.
    private enum Plain: Sendable { case boolean, int, long, double, string }

    /// A field that is a union of null and one plain type.
    private struct Member: Sendable {
        /// In the shape; nil: records have no such field, it is always null.
        var place: Int?
        var type: Plain
        /// The numbers of the branches, as they are written.
        var nullBranch: UInt8
        var valueBranch: UInt8
    }

    private enum Field: Sendable {
        case plain(Member)
        /// `text`: the compound as one text, which goes before its parts.
        case compound([Member], text: Member?, nullBranch: UInt8, partsBranch: UInt8)
        /// No short way.
        case other
    }

    public init(schema: EventSchema, shape: RecordShape) {
        self.schema = schema
        self.shape = shape
        guard case .record(let record) = schema.avro.types[schema.avro.root] else {
            preconditionFailure("an event schema is a record")
        }
        fields = record.fields.indices.dropFirst().map { index in
            Self.field(
                schema.fields[index], record.fields[index], schema.compoundTypes[index], schema.avro.types, shape)
        }
    }

    private static func field(
        _ field: EventSchema.Field, _ avro: AvroSchema.Field, _ compound: Int?, _ types: [AvroSchema.AvroType],
        _ shape: RecordShape
    ) -> Field {
        guard let compound else {
            return member(field.flatNames[0], avro.type, types, shape).map { .plain($0) } ?? .other
        }
        guard case .record(let record) = types[compound], case .union(let branches) = types[avro.type],
            let null = branches.firstIndex(where: { types[$0].isNull }),
            let own = branches.firstIndex(of: compound)
        else { return .other }
        let parts = zip(field.flatNames, record.fields).compactMap { member($0, $1.type, types, shape) }
        guard parts.count == record.fields.count else { return .other }
        var text: Member?
        if field.flatNames.count > parts.count {
            guard let branch = branches.firstIndex(where: { types[$0].isString }) else { return .other }
            text = Member(
                place: shape.index(of: field.flatNames[parts.count]), type: .string, nullBranch: UInt8(null << 1),
                valueBranch: UInt8(branch << 1))
        }
        return .compound(parts, text: text, nullBranch: UInt8(null << 1), partsBranch: UInt8(own << 1))
    }

    private static func member(
        _ name: String, _ type: Int, _ types: [AvroSchema.AvroType], _ shape: RecordShape
    ) -> Member? {
        guard case .union(let branches) = types[type], branches.count == 2,
            let null = branches.firstIndex(where: { types[$0].isNull })
        else { return nil }
        let plain: Plain
        switch types[branches[1 - null]] {
        case .boolean: plain = .boolean
        case .int: plain = .int
        case .long: plain = .long
        case .double: plain = .double
        case .string: plain = .string
        case .null, .float, .bytes, .record, .enumeration, .fixed, .array, .map, .union: return nil
        }
        // A zigzag number below 64 is one byte.
        return Member(
            place: shape.index(of: name), type: plain, nullBranch: UInt8(null << 1), valueBranch: UInt8((1 - null) << 1)
        )
    }

    /// `fields`: as `values` of `EventSchema.encode`; an absent field is null.
    public func encode(header: ChangeEventHeader, fields record: RecordFields) throws(AvroError) -> ByteBuffer {
        let record = record.shaped(as: shape)
        // It has fields that the shape has not.
        guard record.shape === shape else { return try whole(header, record) }
        var writer = EventWriter(schema: schema)
        try writer.write(header)
        for field in fields {
            switch field {
            case .plain(let member):
                guard Self.write(member, of: record, to: &writer.encoder) else { return try whole(header, record) }
            case .compound(let parts, let text, let nullBranch, let partsBranch):
                if let text, Self.isPresent(text, record) {
                    guard Self.write(text, of: record, to: &writer.encoder) else { return try whole(header, record) }
                } else if parts.contains(where: { Self.isPresent($0, record) }) {
                    writer.encoder.byte(partsBranch)
                    for part in parts {
                        guard Self.write(part, of: record, to: &writer.encoder) else {
                            return try whole(header, record)
                        }
                    }
                } else {
                    writer.encoder.byte(nullBranch)
                }
            case .other:
                return try whole(header, record)
            }
        }
        return writer.encoder.buffer
    }

    private func whole(_ header: ChangeEventHeader, _ record: RecordFields) throws(AvroError) -> ByteBuffer {
        try schema.encode(header: header, values: record.dictionary)
    }

    private static func isPresent(_ member: Member, _ record: RecordFields) -> Bool {
        guard let place = member.place, let value = record[place] else { return false }
        if case .null = value { return false }
        return true
    }

    /// False when the value is not of the type.
    private static func write(_ member: Member, of record: RecordFields, to encoder: inout AvroEncoder) -> Bool {
        guard let place = member.place, let value = record[place] else {
            encoder.byte(member.nullBranch)
            return true
        }
        switch (member.type, value) {
        case (_, .null):
            encoder.byte(member.nullBranch)
        case (.string, .string(let text)):
            encoder.byte(member.valueBranch)
            encoder.string(text)
        case (.boolean, .boolean(let flag)):
            encoder.byte(member.valueBranch)
            encoder.byte(flag ? 1 : 0)
        case (.double, .double(let number)):
            encoder.byte(member.valueBranch)
            encoder.double(number)
        case (.int, .integer(let number)):
            guard Int32(exactly: number) != nil else { return false }
            encoder.byte(member.valueBranch)
            encoder.long(number)
        case (.long, .integer(let number)), (.long, .date(let number)), (.long, .dateTime(let number)),
            (.long, .time(let number)):
            encoder.byte(member.valueBranch)
            encoder.long(number)
        case (.boolean, _), (.int, _), (.long, _), (.double, _), (.string, _):
            return false
        }
        return true
    }
}
