import ChangeEvents
import Doors
import Store

extension OrgTransaction {
    /// Converts a lead: an account, a contact and perhaps an opportunity, in this order, and then the lead itself. Its
    /// tasks become the contact's.
    public func convert(_ conversion: LeadConversion) throws -> ConvertedLead {
        try savepoint {
            let object = try definition("Lead")
            let lead = try live(object, conversion.leadID)
            guard lead.image.fields["IsConverted"] != .boolean(true) else { throw OrgError.convertedLead() }
            guard conversion.convertedStatus == Picklist.convertedLeadStatus else {
                throw OrgError.invalidConvertedStatus(conversion.convertedStatus)
            }
            let owner: FieldValue =
                conversion.ownerID.map { .string($0.string) } ?? lead.image.fields["OwnerId"] ?? .string(userID)
            let accountID = try account(of: lead.image, conversion, owner)
            let contactID = try contact(of: lead.image, conversion, accountID, owner)
            let opportunityID = try opportunity(of: lead.image, conversion, accountID, contactID, owner)
            var fields = lead.image.fields
            fields["Status"] = .string(conversion.convertedStatus)
            fields["IsConverted"] = .boolean(true)
            fields["ConvertedDate"] = .date(milliseconds: OrgTime.day(of: now))
            fields["ConvertedAccountId"] = .string(accountID.string)
            fields["ConvertedContactId"] = .string(contactID.string)
            fields["ConvertedOpportunityId"] = opportunityID.map { .string($0.string) } ?? .null
            touch(&fields, of: object)
            try save(object, conversion.leadID, fields: fields, before: lead)
            try moveTasks(of: conversion.leadID, to: contactID)
            return ConvertedLead(
                leadID: conversion.leadID, accountID: accountID, contactID: contactID, opportunityID: opportunityID)
        }
    }

    private func account(
        of lead: RecordImage, _ conversion: LeadConversion, _ owner: FieldValue
    ) throws -> RecordID {
        guard let id = conversion.accountID else { return try newAccount(lead, owner) }
        try fill("Account", id, from: LeadMapping.values(of: lead, by: LeadMapping.account))
        return id
    }

    private func contact(
        of lead: RecordImage, _ conversion: LeadConversion, _ accountID: RecordID, _ owner: FieldValue
    ) throws -> RecordID {
        guard let id = conversion.contactID else { return try newContact(lead, accountID, owner) }
        let stored = try live(definition("Contact"), id)
        let known = stored.image.fields["AccountId"] ?? .null
        guard known == .null || known == .string(accountID.string) else { throw OrgError.contactOfOtherAccount() }
        var values = LeadMapping.values(of: lead, by: LeadMapping.contact)
        values["AccountId"] = .string(accountID.string)
        try fill("Contact", id, from: values, over: conversion.overwritesLeadSource ? ["LeadSource"] : [])
        return id
    }

    private func opportunity(
        of lead: RecordImage, _ conversion: LeadConversion, _ accountID: RecordID, _ contactID: RecordID,
        _ owner: FieldValue
    ) throws -> RecordID? {
        if let id = conversion.opportunityID {
            _ = try live(definition("Opportunity"), id)
            return id
        }
        guard conversion.createsOpportunity else { return nil }
        return try newOpportunity(lead, conversion, accountID, contactID, owner)
    }

    /// Gives a record that is there what it has nothing of yet; nothing that it has is lost but the fields named.
    private func fill(
        _ name: String, _ id: RecordID, from values: [String: FieldValue], over fields: Set<String> = []
    ) throws {
        let object = try definition(name)
        let image = try live(object, id).image
        let missing = values.filter { entry in
            let known = image.fields[entry.key] ?? .null
            return (known == .null || fields.contains(entry.key)) && known != entry.value
        }
        if !missing.isEmpty { try update(name, id, missing) }
    }

    private func newAccount(_ lead: RecordImage, _ owner: FieldValue) throws -> RecordID {
        var values = LeadMapping.values(of: lead, by: LeadMapping.account)
        values["OwnerId"] = owner
        return try create("Account", values)
    }

    private func newContact(_ lead: RecordImage, _ account: RecordID, _ owner: FieldValue) throws -> RecordID {
        var values = LeadMapping.values(of: lead, by: LeadMapping.contact)
        values["AccountId"] = .string(account.string)
        values["OwnerId"] = owner
        return try create("Contact", values)
    }

    private func newOpportunity(
        _ lead: RecordImage, _ conversion: LeadConversion, _ account: RecordID, _ contact: RecordID,
        _ owner: FieldValue
    ) throws -> RecordID {
        var values = LeadMapping.values(of: lead, by: LeadMapping.opportunity)
        values["Name"] = conversion.opportunityName.map { .string($0) } ?? lead.fields["Company"] ?? .null
        values["StageName"] = .string(OpportunityRules.stages[0].name)
        values["CloseDate"] = .date(milliseconds: OrgTime.endOfQuarter(of: now))
        values["AccountId"] = .string(account.string)
        values["ContactId"] = .string(contact.string)
        values["OwnerId"] = owner
        return try create("Opportunity", values)
    }

    private func moveTasks(of lead: RecordID, to contact: RecordID) throws {
        let task = try definition("Task")
        guard let who = task.field("WhoId") else { return }
        for found in try RecordLookup.records(
            of: task, where: who, equals: .string(lead.string), includingDeleted: false, writer)
        {
            guard let current = try stored(task, found.image.id) else { continue }
            let given = try task.template.given(["WhoId": .string(contact.string)])
            var fields = current.image.fields
            fields["WhoId"] = .string(contact.string)
            try change(task, current, to: fields, given: given)
        }
    }
}
