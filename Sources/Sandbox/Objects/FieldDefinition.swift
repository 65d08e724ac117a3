import ChangeEvents

/// The values of a picklist.
struct Picklist: Sendable, Hashable {
    var values: [String]
    /// What a new record gets; nil: nothing.
    var defaultValue: String?
    /// Restricted: other values are refused. Unrestricted picklists take any text, as the API of an org does.
    var isRestricted: Bool

    init(_ values: [String], default defaultValue: String? = nil, isRestricted: Bool = false) {
        self.values = values
        self.defaultValue = defaultValue
        self.isRestricted = isRestricted
    }
}

/// Where a reference field points.
struct ReferenceTarget: Sendable, Hashable {
    /// What becomes of a record when the record that it refers to is deleted.
    enum Deletion: Sendable, Hashable {
        /// The field is emptied. As in an org, that is no modification: `LastModifiedDate` stays.
        case clear
        /// The record is deleted as well.
        case cascade
        /// The target cannot be deleted while the record is there.
        case restrict
    }

    var objects: [String]
    /// From the record to its target: `Account`, `Vehicle__r`.
    var relationshipName: String?
    var deletion: Deletion
    /// From the target to its records: `Contacts`, `Vehicles__r`. Nil: none.
    var childRelationshipName: String?
    /// The record belongs to its target: it has no owner of its own, cannot be without it and goes with it.
    var isMasterDetail = false
    /// A detail may be given to another master.
    var isReparentable = true
    /// Order of the master among a junction's masters: 0 or 1.
    var order: Int?
}

/// A field of a master that sums up its details.
struct RollUp: Sendable, Hashable {
    enum Operation: String, Sendable, Hashable, Codable, CaseIterable { case count, sum, min, max }

    var operation: Operation
    /// The object of the details.
    var child: String
    /// Their master-detail field.
    var childReference: String
    /// What is added up; nil for a count.
    var summarized: String?
    /// Only details that satisfy all of these count.
    var filters: [Filter] = []

    struct Filter: Sendable, Hashable, Codable {
        enum Comparison: String, Sendable, Hashable, Codable, CaseIterable {
            case equals, notEqual, lessThan, greaterThan, lessOrEqual, greaterOrEqual
        }
        var field: String
        var operation: Comparison
        /// As text; empty for null.
        var value: String
    }
}

/// One field of an object, declared once: validation, describe and the event schema are derived from it.
struct FieldDefinition: Sendable, Hashable {
    var name: String
    var label: String
    var kind: FieldKind
    /// In characters; 0 where length means nothing.
    var length = 0
    var precision = 0
    var scale = 0
    /// Numbers lie between its negative and itself: 90 for a latitude.
    var bound: Double?
    /// A record cannot be without it, and the caller must give it when nothing else does.
    var isRequired = false
    var isCreateable = true
    var isUpdateable = true
    var defaultValue: FieldValue?
    /// The text of the formula that a new record's value is computed by, where none is given.
    var defaultFormula: String?
    var picklist: Picklist?
    var reference: ReferenceTarget?
    /// `BillingAddress` for `BillingStreet`, `Name` for `FirstName`.
    var compoundName: String?
    /// Names of the parts, for a compound, in the order of the event schema.
    var componentNames: [String] = []
    /// Points at what is no record of the org (a record type), and is judged by a rule of its own.
    var isFixedReference = false
    /// False for what change events leave out (`SystemModstamp`, `IsDeleted`).
    var isCaptured = true
    /// Field-level security hides it from every user of the API. See `HiddenFields`.
    var isHidden = false
    /// Made from other fields or records when the record is read; never stored.
    var isDerived = false
    /// Where a derived field has its value from: `Contact.Email`.
    var shownPath: String?
    /// The text of a formula; the kind is then that of its result.
    var formula: String?
    /// Blank numbers of the formula count as zero.
    var treatsBlankAsZero = true
    /// Kept with the record and written by the org alone, whenever a detail changes.
    var rollUp: RollUp?
    /// Records can be found and upserted by it.
    var isExternalID = false
    /// No two live records of the object have the same value.
    var isUnique = false
    /// Values that differ only in case are different values.
    var isCaseSensitive = false
    /// Of an automatic number: `V-{0000}`.
    var displayFormat: String?
    /// The first automatic number.
    var startingNumber: UInt64 = 1
    /// The field that names the record.
    var isNameField = false
    /// Instead of the kind's own `doc`.
    var eventDoc: String?
    /// `00N…`, 15 characters, for a custom field.
    var customID: String?

    init(_ kind: FieldKind, _ name: String, _ label: String) {
        self.name = name
        self.label = label
        self.kind = kind
    }

    /// One text for a business, parts for a person.
    var isSwitchableName: Bool { kind == .text && !componentNames.isEmpty }

    var isCustom: Bool { customID != nil }

    /// Kept with the record: no compound, not derived, not the id.
    var isStored: Bool { !kind.isCompound && !isDerived && kind != .id }

    /// False for fields that always have a value.
    var isNillable: Bool {
        switch kind {
        case .boolean, .id, .autoNumber: isDerived
        default: !isRequired && (defaultValue == nil || kind.isText)
        }
    }

    /// The component's own name: `Street` of `BillingStreet`, `FirstName` of `FirstName`.
    func componentName(in compound: FieldDefinition) -> String {
        switch compound.kind {
        case .address: String(name.dropFirst(compound.name.count - "Address".count))
        // `Base__c` and `Base__Latitude__s`.
        case .location: String(name.dropFirst(compound.name.count - 1).dropLast("__s".count))
        default: name
        }
    }
}
