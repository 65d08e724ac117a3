import ChangeEvents

/// An object of the org, declared: its fields in the order of describe, and of the event schema where they are
/// captured. Immutable; another version of an object is another definition.
final class ObjectDefinition: Sendable {
    enum Category: Sendable, Hashable {
        case standard
        /// `X__c`
        case custom
        /// `X__e`: published, never stored. `afterCommit`: with the transaction of its publisher, and not at all when
        /// that is rolled back.
        case platformEvent(afterCommit: Bool)
    }

    let name: String
    let label: String
    let labelPlural: String
    /// The first three characters of its record ids.
    let keyPrefix: String
    let category: Category
    /// `01I…`, 18 characters, for custom objects and platform events.
    let customID: String?
    let fields: [FieldDefinition]
    /// False for objects that the API only reads.
    let isWritable: Bool
    /// False for those whose records stay for ever (users).
    let isDeletable: Bool
    /// True where change events can be had for it.
    let isCapturable: Bool
    /// True where records can be merged.
    let isMergeable: Bool
    /// Fields whose values no two live records share.
    let uniqueFields: [FieldDefinition]
    /// Fields that are kept with the record (no compounds, nothing derived, not the id).
    let storedFields: [FieldDefinition]
    /// How its records are written.
    let template: RecordTemplate
    /// `CaseChangeEvent`, `Employee__ChangeEvent`.
    let changeEventName: String
    /// `/data/CaseChangeEvent`
    let changeEventTopic: String
    /// True where change events carry formulas.
    let capturesFormulas: Bool
    /// Formulas, and values of other records.
    let hasDerivedFields: Bool
    let hasRollUps: Bool

    init(
        name: String, label: String, labelPlural: String, keyPrefix: String, category: Category = .standard,
        customID: String? = nil, isWritable: Bool = true, isDeletable: Bool = true, isCapturable: Bool = true,
        isMergeable: Bool = false, fields: [FieldDefinition]
    ) {
        self.name = name
        self.label = label
        self.labelPlural = labelPlural
        self.keyPrefix = keyPrefix
        self.category = category
        self.customID = customID
        self.isWritable = isWritable
        self.isDeletable = isWritable && isDeletable
        self.isCapturable = isCapturable
        self.isMergeable = isMergeable
        self.fields = fields
        hasRollUps = fields.contains { $0.rollUp != nil }
        hasDerivedFields = fields.contains(where: \.isDerived)
        uniqueFields = fields.filter { $0.isUnique && !$0.isDerived }
        storedFields = fields.filter(\.isStored)
        template = RecordTemplate(object: name, category: category, fields: fields)
        changeEventName = ChangeEventHeader.eventName(ofEntity: name)
        changeEventTopic = "/data/\(changeEventName)"
        capturesFormulas = fields.contains { $0.isDerived && $0.isCaptured }
    }

    /// The same object with other fields.
    func with(fields: [FieldDefinition]) -> ObjectDefinition {
        ObjectDefinition(
            name: name, label: label, labelPlural: labelPlural, keyPrefix: keyPrefix, category: category,
            customID: customID, isWritable: isWritable, isDeletable: isDeletable, isCapturable: isCapturable,
            isMergeable: isMergeable, fields: fields)
    }

    var isPlatformEvent: Bool {
        if case .platformEvent = category { true } else { false }
    }

    /// True where publishing waits for the publisher's commit.
    var publishesAfterCommit: Bool { category == .platformEvent(afterCommit: true) }

    /// The reference to the record that this object's records belong to, the first of two.
    var masterReferences: [FieldDefinition] { fields.filter { $0.reference?.isMasterDetail == true } }

    var nameField: FieldDefinition? { fields.first(where: \.isNameField) }

    /// Names compare without case, as in an org's API.
    func field(_ name: String) -> FieldDefinition? {
        template.rule(name)?.field
    }

    /// Those that users of the API see.
    var visibleFields: [FieldDefinition] { fields.filter { !$0.isHidden } }

    /// What `field` answers to a user of the API.
    func visibleField(_ name: String) -> FieldDefinition? { field(name).flatMap { $0.isHidden ? nil : $0 } }

    /// `/event/Low_Ink__e`
    var eventTopic: String { "/event/\(name)" }

    /// The parts of a compound, in the order of the event schema.
    func components(of compound: FieldDefinition) -> [FieldDefinition] {
        compound.componentNames.compactMap { component in
            fields.first { $0.compoundName == compound.name && $0.componentName(in: compound) == component }
        }
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

    /// What every platform event has; `ReplayId` and `EventUuid` travel beside the payload.
    static var platformEventFields: [FieldDefinition] {
        [
            .text("ReplayId", "Replay ID", 1_333).readOnly().notCaptured(),
            .dateTime("CreatedDate", "Created Date").readOnly().documented(as: "CreatedDate:DateTime"),
            .reference("CreatedById", "Created By ID", to: "User", relationship: "CreatedBy").readOnly()
                .documented(as: "CreatedBy:EntityId"),
            .text("EventUuid", "Event UUID", 36).readOnly().notCaptured(),
        ]
    }

    /// Those of them that a payload must have.
    static let publishersFieldNames: Set = ["CreatedDate", "CreatedById"]

    /// What every object begins with.
    static func leadingFields(idLabel: String) -> [FieldDefinition] {
        var id = FieldDefinition(.id, "Id", idLabel).readOnly().notCaptured()
        id.length = 18
        return [id, .boolean("IsDeleted", "Deleted").readOnly().notCaptured()]
    }
}
