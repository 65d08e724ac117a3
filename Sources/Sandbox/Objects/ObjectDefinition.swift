import ChangeEvents

/// An object of the org, declared: its fields in the order of describe, and of the event schema where they are
/// captured.
struct ObjectDefinition: Sendable {
    let name: String
    let label: String
    let labelPlural: String
    /// The first three characters of its record ids.
    let keyPrefix: String
    let fields: [FieldDefinition]
    /// False for objects that the API only reads (users, in this slice).
    let isWritable: Bool
    /// True where change events can be had for it.
    let isCapturable: Bool
    private let indexByName: [String: Int]

    init(
        name: String, label: String, labelPlural: String, keyPrefix: String, isWritable: Bool = true,
        isCapturable: Bool = true, fields: [FieldDefinition]
    ) {
        self.name = name
        self.label = label
        self.labelPlural = labelPlural
        self.keyPrefix = keyPrefix
        self.isWritable = isWritable
        self.isCapturable = isCapturable
        self.fields = fields
        indexByName = Dictionary(
            fields.enumerated().map { ($0.element.name.lowercased(), $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Names compare without case, as in an org's API.
    func field(_ name: String) -> FieldDefinition? {
        indexByName[name.lowercased()].map { fields[$0] }
    }

    /// `CaseChangeEvent`, `Employee__ChangeEvent`.
    var changeEventName: String { ChangeEventHeader.eventName(ofEntity: name) }

    /// `/data/CaseChangeEvent`
    var changeEventTopic: String { "/data/\(changeEventName)" }

    /// The parts of a compound, in the order of the event schema.
    func components(of compound: FieldDefinition) -> [FieldDefinition] {
        compound.componentNames.compactMap { component in
            fields.first { $0.compoundName == compound.name && $0.componentName(in: compound) == component }
        }
    }

    /// Fields that are kept with the record (no compounds, nothing derived, not the id).
    var storedFields: [FieldDefinition] {
        fields.filter { !$0.kind.isCompound && !$0.isDerived && $0.kind != .id }
    }

    /// The audit fields between owner and the rest, in the order that event schemas have them.
    static var auditFields: [FieldDefinition] {
        [
            .dateTime("CreatedDate", "Created Date").readOnly().documented(as: "CreatedDate:DateTime"),
            .reference("CreatedById", "Created By ID", to: "User", relationship: "CreatedBy", whenDeleted: .restrict)
                .readOnly(),
            .dateTime("LastModifiedDate", "Last Modified Date").readOnly(),
            .reference(
                "LastModifiedById", "Last Modified By ID", to: "User", relationship: "LastModifiedBy",
                whenDeleted: .restrict
            ).readOnly(),
            .dateTime("SystemModstamp", "System Modstamp").readOnly().notCaptured(),
        ]
    }

    /// What every object begins with.
    static func leadingFields(idLabel: String) -> [FieldDefinition] {
        var id = FieldDefinition(.id, "Id", idLabel).readOnly().notCaptured()
        id.length = 18
        return [id, .boolean("IsDeleted", "Deleted").readOnly().notCaptured()]
    }
}
