/// What `EventSchema` compiles on top of `AvroProgram`: what each field of an event means, and where its bit is.
///
/// Every field and every component of a compound field has a *slot*: a field's is its index, the components follow in
/// schema order. Sets of slots say which fields changed and which a mask admits; a change in slot order is a change in
/// the order of names, which is that of the wire (simple fields first, then components).
struct EventProgram: Sendable {
    /// How a long is to be read.
    enum Format: UInt8, BitwiseCopyable { case number, dateTime, date, time }

    struct Field: BitwiseCopyable {
        var operation: Int32
        /// `,"Name":`
        var key: AvroProgram.Span
        /// The record of a compound field; -1 for a simple one.
        var compoundOperation: Int32
        /// Range of `components`; empty for a simple field.
        var firstComponent: Int32
        var componentCount: Int32
        /// True for a compound that may also be a plain string; its bit as a whole then speaks of the string.
        var hasScalar: Bool
        var format: Format
    }

    /// One component of a compound field. Its slot is the number of fields plus its index.
    struct Component: BitwiseCopyable {
        var operation: Int32
        var key: AvroProgram.Span
        var format: Format
    }

    /// What a field of the header is.
    enum HeaderRole: UInt8, BitwiseCopyable, CaseIterable {
        case entityName, recordIDs, changeType, changeOrigin, transactionKey, sequenceNumber, commitTimestamp,
            commitNumber
        case commitUser, nulledFields, diffFields, changedFields
        /// A field that this version does not know.
        case other

        init(name: String) {
            switch name {
            case "entityName": self = .entityName
            case "recordIds": self = .recordIDs
            case "changeType": self = .changeType
            case "changeOrigin": self = .changeOrigin
            case "transactionKey": self = .transactionKey
            case "sequenceNumber": self = .sequenceNumber
            case "commitTimestamp": self = .commitTimestamp
            case "commitNumber": self = .commitNumber
            case "commitUser": self = .commitUser
            case "nulledFields": self = .nulledFields
            case "diffFields": self = .diffFields
            case "changedFields": self = .changedFields
            default: self = .other
            }
        }
    }

    struct HeaderMember: BitwiseCopyable {
        var role: HeaderRole
        var operation: Int32
        var key: AvroProgram.Span
    }

    let avro: AvroProgram
    let fields: FrozenTable<Field>
    let components: FrozenTable<Component>
    /// Empty when the event is not a change event.
    let headerMembers: FrozenTable<HeaderMember>
    /// By slot: the name as `changedFields` has it, quoted.
    let slotNames: FrozenTable<AvroProgram.Span>
    /// By symbol of the schema's `ChangeType`; nil for one that is not known.
    let changeTypes: [ChangeType?]
    /// By symbol: true for UPDATE.
    let updateSymbols: FrozenTable<Bool>

    var slotCount: Int { slotNames.elements.count }
    var wordCount: Int { (slotCount + 63) / 64 }
}

/// Builds an `EventProgram`, and the public description of the fields with it.
struct EventCompiler {
    private let schema: AvroSchema
    private let record: AvroSchema.Record
    private var pool = PoolBuilder()
    private(set) var fields: [EventSchema.Field] = []
    private(set) var slotNames: [String] = []
    /// By field: index of the record type of a compound; nil for a simple field.
    private(set) var compoundTypes: [Int?] = []

    init(schema: AvroSchema) throws(AvroError) {
        guard case .record(let record) = schema.types[schema.root] else {
            throw AvroError(code: .malformedSchema, message: "an event's schema is a record")
        }
        self.schema = schema
        self.record = record
        for (index, field) in record.fields.enumerated() {
            let isHeader = index == 0 && field.name == EventSchema.headerName
            let compound = isHeader ? nil : compoundType(of: field.type)
            let components = compound.map { $0.record.fields.map(\.name) } ?? []
            var flatNames = components.map { FieldNaming.flatName(field: field.name, component: $0) }
            if components.isEmpty || hasScalar(field.type) { flatNames.append(field.name) }
            fields.append(
                EventSchema.Field(
                    name: field.name, kind: Self.kind(ofDoc: field.doc), components: components, flatNames: flatNames))
            compoundTypes.append(compound?.index)
        }
        slotNames = fields.map(\.name) + fields.flatMap { field in field.components.map { "\(field.name).\($0)" } }
    }

    /// The record that a compound field holds: the field's type itself, or the first record among its branches.
    private func compoundType(of type: Int) -> (index: Int, record: AvroSchema.Record)? {
        switch schema.types[type] {
        case .record(let record): return record.fields.isEmpty ? nil : (type, record)
        case .union(let branches):
            for branch in branches {
                if case .record(let record) = schema.types[branch], !record.fields.isEmpty { return (branch, record) }
            }
            return nil
        case .null, .boolean, .int, .long, .float, .double, .bytes, .string, .enumeration, .fixed, .array, .map:
            return nil
        }
    }

    /// True when a compound field may also be a plain string (`Account.Name` in orgs with person accounts).
    private func hasScalar(_ type: Int) -> Bool {
        guard case .union(let branches) = schema.types[type] else { return false }
        return branches.contains { schema.types[$0].isString }
    }

    /// `Data:DateTime` of `Data:DateTime:00N…`.
    private static func kind(ofDoc doc: String) -> String {
        doc.split(separator: ":", omittingEmptySubsequences: false).prefix(2).joined(separator: ":")
    }

    static func format(ofKind kind: String) -> EventProgram.Format {
        switch kind.split(separator: ":").last {
        case "DateTime": .dateTime
        case "DateOnly", "Birthday": .date
        case "TimeOnly": .time
        default: .number
        }
    }

    mutating func compile() throws(AvroError) -> EventProgram {
        var fieldTable: [EventProgram.Field] = []
        var componentTable: [EventProgram.Component] = []
        for (index, field) in record.fields.enumerated() {
            let first = componentTable.count
            if let type = compoundTypes[index], case .record(let compound) = schema.types[type] {
                for component in compound.fields {
                    componentTable.append(
                        EventProgram.Component(
                            operation: Int32(component.type), key: pool.key(component.name),
                            format: Self.format(ofKind: Self.kind(ofDoc: component.doc))))
                }
            }
            fieldTable.append(
                EventProgram.Field(
                    operation: Int32(field.type), key: pool.key(field.name),
                    compoundOperation: Int32(compoundTypes[index] ?? -1),
                    firstComponent: Int32(first), componentCount: Int32(componentTable.count - first),
                    hasScalar: compoundTypes[index] != nil && hasScalar(field.type),
                    format: Self.format(ofKind: fields[index].kind)))
        }
        let (members, changeTypes) = try header()
        let names = slotNames.map { pool.quoted($0) }
        return EventProgram(
            avro: AvroProgram(schema, pool: &pool), fields: FrozenTable(fieldTable),
            components: FrozenTable(componentTable),
            headerMembers: FrozenTable(members), slotNames: FrozenTable(names), changeTypes: changeTypes,
            updateSymbols: FrozenTable(changeTypes.map { $0 == .update }))
    }

    /// The header's fields by their meaning. Empty when the schema has no `ChangeEventHeader`; an error when it has one
    /// that cannot be read.
    private mutating func header() throws(AvroError) -> ([EventProgram.HeaderMember], [ChangeType?]) {
        guard let field = record.fields.first, field.name == EventSchema.headerName,
            case .record(let header) = schema.types[field.type]
        else { return ([], []) }
        var members: [EventProgram.HeaderMember] = []
        var changeTypes: [ChangeType?] = []
        var missing = Set(EventProgram.HeaderRole.allCases).subtracting([.other, .nulledFields, .diffFields])
        for member in header.fields {
            let role = EventProgram.HeaderRole(name: member.name)
            guard fits(schema.types[member.type], role) else {
                throw AvroError(
                    code: .malformedSchema, message: "a field of the header has an unexpected type",
                    path: "\(EventSchema.headerName).\(member.name)")
            }
            if role == .changeType, case .enumeration(let enumeration) = schema.types[member.type] {
                changeTypes = enumeration.symbols.map { ChangeType(rawValue: $0) }
            }
            missing.remove(role)
            members.append(.init(role: role, operation: Int32(member.type), key: pool.key(member.name)))
        }
        guard missing.isEmpty else {
            throw AvroError(
                code: .malformedSchema, message: "the header lacks \(missing.count) of its fields",
                path: EventSchema.headerName)
        }
        return (members, changeTypes)
    }

    private func fits(_ type: AvroSchema.AvroType, _ role: EventProgram.HeaderRole) -> Bool {
        switch (role, type) {
        case (.other, _): true
        case (.entityName, .string), (.changeOrigin, .string), (.transactionKey, .string), (.commitUser, .string): true
        case (.changeType, .enumeration), (.sequenceNumber, .int), (.commitTimestamp, .long), (.commitNumber, .long):
            true
        case (.recordIDs, .array(let items)), (.nulledFields, .array(let items)), (.diffFields, .array(let items)),
            (.changedFields, .array(let items)):
            schema.types[items].isString
        case (.entityName, _), (.changeOrigin, _), (.transactionKey, _), (.commitUser, _), (.changeType, _),
            (.sequenceNumber, _), (.commitTimestamp, _), (.commitNumber, _), (.recordIDs, _), (.nulledFields, _),
            (.diffFields, _), (.changedFields, _):
            false
        }
    }
}
