import ChangeEvents
import Doors

/// What an org does to accounts that are people. Pure.
enum PersonAccountRules {
    static func isPerson(_ fields: RecordFields) -> Bool { fields["IsPersonAccount"] == .boolean(true) }

    /// `before` nil: a new account, which is a person when it has a last name or the record type of people.
    static func apply(
        to fields: inout RecordFields, of object: ObjectDefinition, before: RecordFields?, given: RecordFields
    ) throws(OrgError) {
        guard fields.shape.index(of: "IsPersonAccount") != nil else { return }
        let type = fields["RecordTypeId"] ?? .null
        let isPerson: Bool
        if let before {
            isPerson = Self.isPerson(before)
        } else {
            guard
                [.null, .string(PersonAccounts.businessRecordType), .string(PersonAccounts.personRecordType)].contains(
                    type)
            else { throw .badRecordType() }
            isPerson =
                type == .string(PersonAccounts.personRecordType)
                || (type == .null && fields["LastName"] ?? .null != .null)
        }
        fields["IsPersonAccount"] = .boolean(isPerson)
        fields["RecordTypeId"] = .string(
            isPerson ? PersonAccounts.personRecordType : PersonAccounts.businessRecordType)
        if isPerson {
            guard given["Name"] == nil else { throw .notWritable(["Name"]) }
            guard fields["LastName"] ?? .null != .null else { throw .requiredMissing(["LastName"]) }
            fields["Name"] = RecordName.person(fields).map { .string($0) } ?? .null
        } else {
            let foreign = object.fields.map(\.name).filter { name in
                given[name] != nil && isPersonal(name) && fields[name] ?? .null != .null
                    && fields[name] != .boolean(false)
            }
            guard foreign.isEmpty else { throw .notWritable(foreign) }
        }
    }

    /// What the contact of a person has from its account.
    static func contactValues(
        of account: RecordFields, contact: ObjectDefinition
    ) -> RecordFields {
        var values = RecordFields(shape: contact.template.shape)
        for field in contact.storedFields {
            let name = PersonAccounts.accountName(of: field.name)
            if PersonAccounts.shared.contains(field.name) {
                values[field.name] = account[field.name] ?? .null
            } else if let value = account[name] {
                values[field.name] = value
            }
        }
        return values
    }

    private static func isPersonal(_ name: String) -> Bool {
        name.hasPrefix("Person") || name.hasSuffix("__pc") || ["Salutation", "FirstName", "LastName"].contains(name)
    }
}

extension OrgError {
    static func badRecordType() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_CROSS_REFERENCE_KEY",
            message: "Record Type ID: this ID value isn't valid for the user", fields: ["RecordTypeId"])
    }

    static func personContact() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_OPERATION",
            message: "the contact of a person account is changed through its account", fields: [])
    }
}
