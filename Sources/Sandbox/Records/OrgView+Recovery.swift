import ChangeEvents
import Doors
import Store

/// The recycle bin, merges and conversions: what clients ask for by ids alone.
extension OrgView {
    func undelete(_ id: String) throws(OrgError) {
        let (object, recordID) = try named(id)
        let transaction = try writer()
        try guarded { try transaction.undelete(object.name, recordID) }
    }

    func purge(_ id: String) throws(OrgError) {
        let (object, recordID) = try named(id)
        let transaction = try writer()
        try guarded {
            guard let record = try transaction.stored(object, recordID) else { throw OrgError.recordNotFound() }
            guard record.isDeleted else { throw OrgError.notInRecycleBin(verb: "DELETE_FAILED") }
            try transaction.purge(object.name, recordID)
        }
    }

    func merge(_ merge: RecordMerge) throws(OrgError) -> MergedRecord {
        let definition = try definition(merge.object)
        let transaction = try writer()
        let masterID = try recordID(merge.masterID, definition)
        var others: [RecordID] = []
        for id in merge.mergedIDs { others.append(try recordID(id, definition)) }
        return try guarded {
            let outcome = try transaction.merge(
                definition.name, into: masterID, taking: transaction.values(definition, merge.fields).dictionary,
                from: others
            )
            return MergedRecord(
                id: outcome.masterID.string, mergedIDs: outcome.mergedIDs.map(\.string),
                updatedRelatedIDs: outcome.updatedRelatedIDs.map(\.string))
        }
    }

    func convert(_ lead: LeadConvert) throws(OrgError) -> LeadConvertResult {
        let transaction = try writer()
        var conversion = LeadConversion(
            leadID: try recordID(lead.leadID, definition("Lead")), convertedStatus: lead.convertedStatus)
        conversion.accountID = try optionalID(lead.accountID, "Account")
        conversion.contactID = try optionalID(lead.contactID, "Contact")
        conversion.opportunityID = try optionalID(lead.opportunityID, "Opportunity")
        conversion.ownerID = try optionalID(lead.ownerID, "User")
        conversion.opportunityName = lead.opportunityName
        conversion.createsOpportunity = !lead.doesNotCreateOpportunity
        conversion.overwritesLeadSource = lead.overwritesLeadSource
        let wanted = conversion
        return try guarded {
            let converted = try transaction.convert(wanted)
            return LeadConvertResult(
                leadID: converted.leadID.string, accountID: converted.accountID.string,
                contactID: converted.contactID.string, opportunityID: converted.opportunityID?.string)
        }
    }

    private func optionalID(_ text: String?, _ object: String) throws(OrgError) -> RecordID? {
        guard let text else { return nil }
        return try recordID(text, definition(object))
    }

    private func named(_ text: String) throws(OrgError) -> (ObjectDefinition, RecordID) {
        guard let id = RecordID(text), let object = catalogue.object(ofRecord: id) else {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "MALFORMED_ID", message: "malformed id \(text)",
                fields: [])
        }
        return (object, id)
    }
}
