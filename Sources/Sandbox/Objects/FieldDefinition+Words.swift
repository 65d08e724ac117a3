import ChangeEvents

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
    static func richText(_ name: String, _ label: String, _ length: Int) -> Self {
        sized(.richText, name, label, length)
    }
    static func date(_ name: String, _ label: String) -> Self { FieldDefinition(.date, name, label) }
    static func dateTime(_ name: String, _ label: String) -> Self { FieldDefinition(.dateTime, name, label) }
    static func time(_ name: String, _ label: String) -> Self { FieldDefinition(.time, name, label) }

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
        children: String? = nil, whenDeleted deletion: ReferenceTarget.Deletion = .clear
    ) -> Self {
        var field = sized(.reference, name, label, 18)
        field.reference = ReferenceTarget(
            objects: objects, relationshipName: relationship, deletion: deletion, childRelationshipName: children)
        return field
    }

    static func multiPicklist(_ name: String, _ label: String, _ picklist: Picklist) -> Self {
        var field = sized(.multiPicklist, name, label, 4_099)
        field.picklist = picklist
        return field
    }

    static func combobox(_ name: String, _ label: String, _ picklist: Picklist, length: Int = 255) -> Self {
        var field = sized(.combobox, name, label, length)
        field.picklist = picklist
        return field
    }

    /// `format`: `{00000000}` is the number with at least eight digits.
    static func autoNumber(_ name: String, _ label: String, format: String, from first: UInt64 = 1) -> Self {
        var field = sized(.autoNumber, name, label, 30).readOnly()
        field.displayFormat = format
        field.startingNumber = first
        return field
    }

    /// Reads its value by a formula, in an object that an org computes by itself.
    func calculated(_ formula: String) -> Self {
        changed {
            $0.formula = formula
            $0.isDerived = true
        }
        .readOnly()
    }
    func unique(caseSensitive: Bool = false) -> Self {
        changed {
            $0.isUnique = true
            $0.isCaseSensitive = caseSensitive
        }
    }
    func externalID() -> Self { changed { $0.isExternalID = true } }
    func defaulting(to value: FieldValue) -> Self { changed { $0.defaultValue = value } }

    /// The record that a merge kept in this one's place.
    static func masterRecord(of object: String) -> Self {
        reference("MasterRecordId", "Master Record ID", to: object, relationship: "MasterRecord").readOnly()
            .notCaptured()
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
    /// Given with a new record and fixed from then on.
    func createOnly() -> Self { changed { $0.isUpdateable = false } }
    /// The record is a detail of its target.
    func belonging() -> Self { changed { $0.reference?.isMasterDetail = true } }
    func notCaptured() -> Self { changed { $0.isCaptured = false } }
    /// Shows a field of another record when the record is read: never stored, never in a change event.
    func showing(_ path: String) -> Self {
        changed {
            $0.shownPath = path
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
    /// A compound address and its parts, named `<prefix>Street` and so on; a lead's have neither prefix nor label.
    static func address(_ prefix: String, _ label: String) -> Self {
        let compound = "\(prefix)Address"
        let label = label.isEmpty ? "" : label + " "
        var whole = FieldDefinition(.address, compound, "\(label)Address").readOnly()
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
            .textArea("\(prefix)Street", "\(label)Street", 255),
            .text("\(prefix)City", "\(label)City", 40),
            .text("\(prefix)State", "\(label)State/Province", 80),
            .text("\(prefix)PostalCode", "\(label)Zip/Postal Code", 20),
            .text("\(prefix)Country", "\(label)Country", 80),
            .number(.double, "\(prefix)Latitude", "\(label)Latitude", digits: 3, scale: 15),
            .number(.double, "\(prefix)Longitude", "\(label)Longitude", digits: 3, scale: 15),
            .picklist("\(prefix)GeocodeAccuracy", "\(label)Geocode Accuracy", accuracies, length: 40),
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
