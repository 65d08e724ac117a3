import ChangeEvents
import Doors
import Store

/// Keeps the contact behind a person account in step with it. Both change in the same transaction and both are told.
extension OrgTransaction {
    /// Makes the contact of a new person.
    func addPersonContact(of object: ObjectDefinition, _ id: RecordID) throws {
        guard let contact = catalogue.object("Contact"), let account = try stored(object, id),
            PersonAccountRules.isPerson(account.image.fields)
        else { return }
        var values = contact.template.blank
        values.merge(PersonAccountRules.contactValues(of: account.image.fields, contact: contact)) { $1 }
        values["AccountId"] = .string(id.string)
        values["IsPersonAccount"] = .boolean(true)
        guard case .dateTime(let created) = account.image.fields["CreatedDate"] ?? .null else { return }
        let contactID = try insert(contact, fields: values, createdAt: created)
        var fields = account.image.fields
        fields["PersonContactId"] = .string(contactID.string)
        try save(object, id, fields: fields, before: account)
    }

    /// The contact has the account's values, and the same time of change.
    func updatePersonContact(of account: RecordFields) throws {
        guard PersonAccountRules.isPerson(account), let contact = catalogue.object("Contact"),
            case .string(let text) = account["PersonContactId"] ?? .null, let id = RecordID(text),
            let stored = try stored(contact, id), !stored.isDeleted
        else { return }
        var fields = stored.image.fields
        fields.merge(PersonAccountRules.contactValues(of: account, contact: contact)) { $1 }
        touch(&fields, of: contact)
        try save(contact, id, fields: fields, before: stored)
    }

    /// Refuses what would part a contact from its account.
    func refusePersonContact(_ object: ObjectDefinition, _ record: StoredRecord) throws {
        if object.name == "Contact", PersonAccountRules.isPerson(record.image.fields) { throw OrgError.personContact() }
    }
}
