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
    var relationshipName: String?
    var deletion: Deletion
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
    /// A record cannot be without it, and the caller must give it when nothing else does.
    var isRequired = false
    var isCreateable = true
    var isUpdateable = true
    var defaultValue: FieldValue?
    var picklist: Picklist?
    var reference: ReferenceTarget?
    /// `BillingAddress` for `BillingStreet`, `Name` for `FirstName`.
    var compoundName: String?
    /// Names of the parts, for a compound, in the order of the event schema.
    var componentNames: [String] = []
    /// False for what change events leave out (`SystemModstamp`, `IsDeleted`).
    var isCaptured = true
    /// Made from other fields or records when the record is read; never stored.
    var isDerived = false
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

    var isCustom: Bool { customID != nil }

    /// False for fields that always have a value.
    var isNillable: Bool {
        switch kind {
        case .boolean, .id, .autoNumber: false
        default: !isRequired && (defaultValue == nil || kind.isText)
        }
    }

    /// The component's own name: `Street` of `BillingStreet`, `FirstName` of `FirstName`.
    func componentName(in compound: FieldDefinition) -> String {
        guard compound.kind == .address else { return name }
        return String(name.dropFirst(compound.name.count - "Address".count))
    }
}

/// The words in which objects are declared: `.text("Site", "Account Site", 80)`.
extension FieldDefinition {
    static func text(_ name: String, _ label: String, _ length: Int) -> Self { sized(.text, name, label, length) }
    static func textArea(_ name: String, _ label: String, _ length: Int) -> Self {
        sized(.textArea, name, label, length)
    }
    static func longTextArea(_ name: String, _ label: String, _ length: Int) -> Self {
        sized(.longTextArea, name, label, length)
    }
    static func phone(_ name: String, _ label: String) -> Self { sized(.phone, name, label, 40) }
    static func email(_ name: String, _ label: String) -> Self { sized(.email, name, label, 80) }
    static func url(_ name: String, _ label: String) -> Self { sized(.url, name, label, 255) }
    static func date(_ name: String, _ label: String) -> Self { FieldDefinition(.date, name, label) }
    static func dateTime(_ name: String, _ label: String) -> Self { FieldDefinition(.dateTime, name, label) }

    static func boolean(_ name: String, _ label: String) -> Self {
        var field = FieldDefinition(.boolean, name, label)
        field.defaultValue = .boolean(false)
        return field
    }

    static func integer(_ name: String, _ label: String, digits: Int) -> Self {
        var field = FieldDefinition(.integer, name, label)
        field.precision = digits
        return field
    }

    /// `digits` before the decimal point.
    static func number(_ kind: FieldKind, _ name: String, _ label: String, digits: Int, scale: Int) -> Self {
        var field = FieldDefinition(kind, name, label)
        field.precision = digits + scale
        field.scale = scale
        return field
    }

    static func picklist(_ name: String, _ label: String, _ picklist: Picklist, length: Int = 255) -> Self {
        var field = sized(.picklist, name, label, length)
        field.picklist = picklist
        field.defaultValue = picklist.defaultValue.map { .string($0) }
        return field
    }

    static func reference(
        _ name: String, _ label: String, to objects: String..., relationship: String?,
        whenDeleted deletion: ReferenceTarget.Deletion = .clear
    ) -> Self {
        var field = sized(.reference, name, label, 18)
        field.reference = ReferenceTarget(objects: objects, relationshipName: relationship, deletion: deletion)
        return field
    }

    private static func sized(_ kind: FieldKind, _ name: String, _ label: String, _ length: Int) -> Self {
        var field = FieldDefinition(kind, name, label)
        field.length = length
        return field
    }

    func required() -> Self { changed { $0.isRequired = true } }
    func readOnly() -> Self {
        changed {
            $0.isCreateable = false
            $0.isUpdateable = false
        }
    }
    func notCaptured() -> Self { changed { $0.isCaptured = false } }
    func derived() -> Self {
        changed {
            $0.isDerived = true
            $0.isCaptured = false
        }
        .readOnly()
    }
    func naming() -> Self { changed { $0.isNameField = true } }
    func documented(as eventDoc: String) -> Self { changed { $0.eventDoc = eventDoc } }
    func part(of compound: String) -> Self { changed { $0.compoundName = compound } }
    func custom(_ id: String) -> Self { changed { $0.customID = id } }

    private func changed(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}

extension [FieldDefinition] {
    /// A compound address and its parts, named `<prefix>Street` and so on.
    static func address(_ prefix: String, _ label: String) -> Self {
        let compound = "\(prefix)Address"
        var whole = FieldDefinition(.address, compound, "\(label) Address").readOnly()
        whole.componentNames = [
            "Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy",
        ]
        let accuracies = Picklist(
            [
                "Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City", "County",
                "State",
                "Unknown",
            ], isRestricted: true)
        let parts: [FieldDefinition] = [
            .textArea("\(prefix)Street", "\(label) Street", 255),
            .text("\(prefix)City", "\(label) City", 40),
            .text("\(prefix)State", "\(label) State/Province", 80),
            .text("\(prefix)PostalCode", "\(label) Zip/Postal Code", 20),
            .text("\(prefix)Country", "\(label) Country", 80),
            .number(.double, "\(prefix)Latitude", "\(label) Latitude", digits: 3, scale: 15),
            .number(.double, "\(prefix)Longitude", "\(label) Longitude", digits: 3, scale: 15),
            .picklist("\(prefix)GeocodeAccuracy", "\(label) Geocode Accuracy", accuracies, length: 40),
        ]
        return parts.map { $0.part(of: compound) } + [whole]
    }

    /// The compound name of a person and its parts.
    static func personName(salutations: Picklist) -> Self {
        var whole = FieldDefinition(.personName, "Name", "Full Name").readOnly().naming()
        whole.length = 121
        whole.componentNames = ["Salutation", "FirstName", "LastName"]
        let parts: [FieldDefinition] = [
            .text("LastName", "Last Name", 80).required(),
            .text("FirstName", "First Name", 40),
            .picklist("Salutation", "Salutation", salutations, length: 40),
        ]
        return parts.map { $0.part(of: "Name") } + [whole]
    }
}
