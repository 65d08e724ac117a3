/// What an org with person accounts has besides: accounts that are people, each with a contact behind it. Fields in the
/// order of real event schemas.
enum PersonAccounts {
    static let businessRecordType = "0125g000000BusnAAC"
    static let personRecordType = "0125g000000PersAAC"

    /// Fields of a contact that its account has as well, as `Person…`, in the account's order.
    static let mirrored = [
        "MailingAddress", "OtherAddress", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "Email", "Title",
        "Department", "AssistantName", "LeadSource", "Birthdate", "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall",
        "LastCURequestDate", "LastCUUpdateDate", "EmailBouncedReason", "EmailBouncedDate", "IndividualId", "Pronouns",
        "GenderIdentity",
    ]
    /// Fields that account and contact have under the same name.
    static let shared = ["Salutation", "FirstName", "LastName", "Phone", "Fax", "Description", "OwnerId"]

    static func account(_ base: ObjectDefinition) -> ObjectDefinition {
        var fields: [FieldDefinition] = []
        for field in base.fields {
            switch field.name {
            case "Name":
                fields += name(field)
            case "Type":
                fields.append(field)
                fields.append(recordType)
            case "SystemModstamp":
                fields.append(field)
                fields.append(
                    FieldDefinition.boolean("IsPersonAccount", "Is Person Account").readOnly().notCaptured())
                fields.append(
                    .reference(
                        "PersonContactId", "Contact ID", to: "Contact", relationship: "PersonContact"
                    ).readOnly())
                fields += mirrored.flatMap(personFields)
            default:
                fields.append(field)
            }
        }
        return base.with(fields: fields)
    }

    static func contact(_ base: ObjectDefinition) -> ObjectDefinition {
        base.with(
            fields: base.fields.flatMap { field in
                field.name == "AccountId"
                    ? [field, FieldDefinition.boolean("IsPersonAccount", "Is Person Account").readOnly()] : [field]
            })
    }

    /// A custom field of contacts as accounts have it: `Level__c` as `Level__pc`.
    static func accountField(of field: FieldDefinition) -> FieldDefinition? {
        guard field.isCustom, !field.isDerived, !field.kind.isCompound, field.compoundName == nil,
            field.kind != .autoNumber, field.rollUp == nil, field.name.hasSuffix("__c")
        else { return nil }
        var copy = field
        copy.name = accountName(of: field.name)
        copy.isRequired = false
        copy.isUnique = false
        copy.isExternalID = false
        if var target = copy.reference {
            target.relationshipName = target.relationshipName.map { $0.hasSuffix("__r") ? $0.dropLast(3) + "__pr" : $0 }
            target.childRelationshipName = nil
            copy.reference = target
        }
        return copy
    }

    /// What an account calls a contact's field.
    static func accountName(of name: String) -> String {
        name.hasSuffix("__c") ? String(name.dropLast()) + "pc" : "Person" + name
    }

    /// A business is called by one text, a person by parts: change events have either.
    private static func name(_ field: FieldDefinition) -> [FieldDefinition] {
        var whole = field
        whole.componentNames = ["Salutation", "FirstName", "LastName"]
        let parts = [FieldDefinition].personName(salutations: .salutations).filter { $0.compoundName == "Name" }
        return [whole]
            + parts.map { part in
                var part = part
                part.isRequired = false
                return part
            }
    }

    private static var recordType: FieldDefinition {
        var field = FieldDefinition.reference(
            "RecordTypeId", "Record Type ID", to: "RecordType", relationship: "RecordType"
        ).createOnly()
        field.isFixedReference = true
        return field
    }

    /// One field, or a compound and its parts, under the account's names.
    private static func personFields(of name: String) -> [FieldDefinition] {
        let contact = ObjectDefinition.contact
        guard let field = contact.field(name) else { return [] }
        return (contact.components(of: field) + [field]).map { part in
            var copy = part
            copy.name = accountName(of: part.name)
            copy.label = part.label
            copy.compoundName = part.compoundName.map(accountName)
            if var target = copy.reference {
                target.relationshipName = target.relationshipName.map { "Person" + $0 }
                copy.reference = target
            }
            return copy
        }
    }
}
