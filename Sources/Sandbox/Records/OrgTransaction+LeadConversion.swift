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
            let owner: FieldValue =
                conversion.ownerID.map { .string($0.string) } ?? lead.image.fields["OwnerId"] ?? .string(userID)
            let accountID = try conversion.accountID ?? newAccount(lead.image, owner)
            let contactID = try conversion.contactID ?? newContact(lead.image, accountID, owner)
            let opportunityID =
                try conversion.createsOpportunity
                ? newOpportunity(lead.image, conversion, accountID, contactID, owner) : nil
            var fields = lead.image.fields
            fields["Status"] = .string(conversion.convertedStatus)
            fields["IsConverted"] = .boolean(true)
            fields["ConvertedDate"] = .date(milliseconds: OrgTime.day(of: now))
            fields["ConvertedAccountId"] = .string(accountID.string)
            fields["ConvertedContactId"] = .string(contactID.string)
            fields["ConvertedOpportunityId"] = opportunityID.map { .string($0.string) } ?? .null
            touch(&fields)
            try save(object, conversion.leadID, fields: fields, before: lead)
            try moveTasks(of: conversion.leadID, to: contactID)
            return ConvertedLead(
                leadID: conversion.leadID, accountID: accountID, contactID: contactID, opportunityID: opportunityID)
        }
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
            try change(
                task, current, to: current.image.fields.merging(["WhoId": .string(contact.string)]) { $1 },
                given: ["WhoId"])
        }
    }
}
