import NIOCore

/// One event schema, compiled: parses the schema JSON once and then decodes, encodes and prints events of it without
/// looking at the schema tree again. Immutable and shared by all threads; no call blocks.
///
/// Decoding is bounded in time, memory and depth whatever the payload and the schema are, and bytes that are not an
/// encoding of the schema give an `AvroError` with the byte offset and the field path, never a trap.
public final class EventSchema: Sendable {
    /// How a field of an event maps to a record's field.
    public struct Field: Sendable, Hashable {
        /// Name in the event schema: `ShippingAddress`.
        public var name: String
        /// The `doc` attribute without the custom field id: `Data:DateTime`, `ForeignKey:EntityId`; empty when absent.
        public var kind: String
        /// Components of a compound field in schema order (`Street`, `City`, …); empty for a simple field.
        public var components: [String]
        /// Flat REST names: one for a simple field, one per component for a compound. A compound that may also be a plain
        /// string (`Account.Name` in orgs with person accounts) has its own name behind those of its components.
        public var flatNames: [String]
    }

    public let id: SchemaID
    /// The text the schema was parsed from.
    public let json: String
    /// `CaseChangeEvent`, `Low_Ink__e`.
    public let recordName: String
    /// All top-level fields, index 0 being `ChangeEventHeader` for change events.
    public let fields: [Field]
    /// True when field 0 is a `ChangeEventHeader`.
    public let isChangeEvent: Bool

    static let headerName = "ChangeEventHeader"

    let avro: AvroSchema
    let program: EventProgram
    /// By slot: `LastModifiedDate`, `ShippingAddress.Street`.
    let slotNames: [String]
    let slotsByName: [String: Int]
    /// By field: index of the record type of a compound; nil for a simple field.
    let compoundTypes: [Int?]
    /// Of the compound `Name` of a person: those of `PersonName.parts` that the schema has; nil: there is no such compound.
    let nameParts: [String]?

    /// Parses and compiles. Any record schema will do; one whose first field is a `ChangeEventHeader` must have that
    /// header in the form that Salesforce documents (further fields are allowed).
    public init(json: String) throws(AvroError) {
        avro = try AvroSchema(json: json)
        var compiler = try EventCompiler(schema: avro)
        program = try compiler.compile()
        self.json = json
        id = avro.id
        fields = compiler.fields
        slotNames = compiler.slotNames
        compoundTypes = compiler.compoundTypes
        let name = compiler.fields.first { $0.name == PersonName.field && !$0.components.isEmpty }
        nameParts = name.map { name in PersonName.parts.filter(name.flatNames.contains) }
        isChangeEvent = !program.headerMembers.elements.isEmpty
        if case .record(let record) = avro.types[avro.root] {
            recordName = String(
                record.name[
                    (record.name.lastIndex(of: ".").map(record.name.index(after:)) ?? record.name.startIndex)...])
        } else {
            preconditionFailure("EventCompiler accepts records only")
        }
        // A flat name is accepted where a name of the schema is wanted, unless a field has that very name.
        var slots = Dictionary(zip(slotNames, slotNames.indices), uniquingKeysWith: { first, _ in first })
        var slot = fields.count
        for field in fields {
            for flatName in field.flatNames.prefix(field.components.count) {
                if slots[flatName] == nil { slots[flatName] = slot }
                slot += 1
            }
        }
        slotsByName = slots
    }

    /// Fields of the record whose values the events tell, by flat name: those that they have, and a person's `Name`, which their parts
    /// make.
    public var recordFields: Set<String> {
        Set(fields.flatMap(\.flatNames) + (nameParts?.isEmpty ?? true ? [] : [PersonName.field]))
    }

    /// An error for a fault that was met in a payload, with the path of the field it concerns.
    func error(_ fault: AvroFault, in payload: ByteBuffer) -> AvroError {
        let path =
            fault.code == .trailingBytes
            ? nil : payload.withUnsafeReadableBytes { AvroDecoder.path(at: fault.offset, schema: avro, bytes: $0) }
        return fault.error(path: path)
    }
}
