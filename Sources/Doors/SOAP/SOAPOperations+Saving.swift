// Writing. The elements of a result stand in the order of the WSDL, which is that of their names.
extension SOAPOperations {
    private static let recordsMax = 200
    private static let mergesMax = 10
    private static let conversionsMax = 100

    static let create: Handler = { call, _, work in
        try each(sObjects(call), call, work) { element throws(OrgError) in
            let record = try SOAPRecord(element)
            guard record.id == nil else {
                throw .badRequest(
                    "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields: ["Id"])
            }
            let saved = try typed(record.object) { () throws(OrgError) in
                try work.create(record.object, record.fields)
            }
            if call.updatesRecent { work.viewed(saved.id) }
            return saved.remarks.map(SOAPWriter.error).joined() + success(id: saved.id)
        }
    }

    static let update: Handler = { call, _, work in
        try each(sObjects(call), call, work) { element throws(OrgError) in
            let record = try SOAPRecord(element)
            guard let id = record.id else {
                throw .badRequest("MISSING_ARGUMENT", "Id not specified in an update call", fields: [])
            }
            try work.update(record.object, id, record.fields)
            if call.updatesRecent { work.viewed(id) }
            return success(id: id)
        }
    }

    static let upsert: Handler = { call, _, work in
        let field = call.text("externalIDFieldName") ?? "Id"
        return try each(sObjects(call), call, work, isCreatedTold: true) { element throws(OrgError) in
            let record = try SOAPRecord(element)
            let saved: SavedRecord
            if field.lowercased() == "id" {
                guard let id = record.id else {
                    saved = try work.create(record.object, record.fields)
                    return "<created>true</created>" + success(id: saved.id)
                }
                try work.update(record.object, id, record.fields)
                return "<created>false</created>" + success(id: id)
            }
            guard try work.isKey(field, of: record.object) else {
                throw .badRequest(
                    "INVALID_FIELD", "Field name provided, \(field) is not an External ID for \(record.object)",
                    fields: [])
            }
            let isKey = { (member: JSONValue.Member) in member.name.lowercased() == field.lowercased() }
            guard let value = record.fields.first(where: isKey)?.value, value != .null else {
                throw .badRequest("MISSING_ARGUMENT", "\(field) not specified", fields: [field])
            }
            saved = try work.upsert(
                record.object, ExternalKey(field: field, value: value), record.fields.filter { !isKey($0) })
            return "<created>\(saved.isCreated)</created>" + success(id: saved.id)
        }
    }

    static let delete: Handler = { call, _, work in
        try each(ids(call), call, work) { element throws(OrgError) in
            let id = element.trimmedText
            guard let object = work.object(ofID: id) else { throw .malformed(id: id) }
            try work.delete(object, id)
            return success(id: id)
        }
    }

    static let undelete: Handler = { call, _, work in
        try each(ids(call), call, work) { element throws(OrgError) in
            try work.undelete(element.trimmedText)
            return success(id: element.trimmedText)
        }
    }

    static let emptyRecycleBin: Handler = { call, _, work in
        try each(ids(call), call, work) { element throws(OrgError) in
            try work.purge(element.trimmedText)
            return success(id: element.trimmedText)
        }
    }

    static let merge: Handler = { call, _, work in
        let requests = call.operation.children.filter { $0.name == "request" }
        try checkCount(requests.count, mergesMax)
        return try each(requests, call, work) { element throws(OrgError) in
            guard let master = element.child("masterRecord") else {
                throw .badRequest("MISSING_ARGUMENT", "masterRecord must be given", fields: [])
            }
            let record = try SOAPRecord(master)
            guard let id = record.id else {
                throw .badRequest("MISSING_ARGUMENT", "the Id of masterRecord must be given", fields: [])
            }
            let merged = try work.merge(
                RecordMerge(
                    object: record.object, masterID: id, fields: record.fields,
                    mergedIDs: element.textsOfChildren("recordToMergeIds")))
            return SOAPWriter.element("id", merged.id)
                + merged.mergedIDs.map { SOAPWriter.element("mergedRecordIds", $0) }.joined()
                + "<success>true</success>"
                + merged.updatedRelatedIDs.map { SOAPWriter.element("updatedRelatedIds", $0) }.joined()
        }
    }

    static let convertLead: Handler = { call, _, work in
        let conversions = call.operation.children.filter { $0.name == "leadConverts" }
        try checkCount(conversions.count, conversionsMax)
        return try each(conversions, call, work) { element throws(OrgError) in
            guard let leadID = element.textOfChild("leadId") else {
                throw .badRequest("MISSING_ARGUMENT", "leadId must be given", fields: ["leadId"])
            }
            var conversion = LeadConvert(
                leadID: leadID, convertedStatus: element.textOfChild("convertedStatus") ?? "")
            conversion.accountID = element.textOfChild("accountId")
            conversion.contactID = element.textOfChild("contactId")
            conversion.opportunityID = element.textOfChild("opportunityId")
            conversion.opportunityName = element.textOfChild("opportunityName")
            conversion.ownerID = element.textOfChild("ownerId")
            conversion.doesNotCreateOpportunity = element.flagOfChild("doNotCreateOpportunity")
            conversion.overwritesLeadSource = element.flagOfChild("overwriteLeadSource")
            let result = try work.convert(conversion)
            return SOAPWriter.element("accountId", result.accountID) + SOAPWriter.element("contactId", result.contactID)
                + SOAPWriter.element("leadId", result.leadID)
                + (result.opportunityID.map { SOAPWriter.element("opportunityId", $0) }
                    ?? SOAPWriter.nothing("opportunityId")) + "<success>true</success>"
        }
    }

    // MARK: What the calls share

    private static func sObjects(_ call: SOAPCall) throws(SOAPFault) -> [XMLElement] {
        let elements = call.operation.children.filter { $0.name == "sObjects" }
        try checkCount(elements.count, recordsMax)
        return elements
    }

    private static func ids(_ call: SOAPCall) throws(SOAPFault) -> [XMLElement] {
        // `ids` of most calls, and of some toolkits for `delete`.
        let elements = call.operation.children.filter { ["ids", "ID"].contains($0.name) && !$0.isNil }
        try checkCount(elements.count, recordsMax)
        return elements
    }

    private static func success(id: String) -> String { SOAPWriter.element("id", id) + "<success>true</success>" }

    /// One result for each element, in their order.
    private static func each(
        _ elements: [XMLElement], _ call: SOAPCall, _ work: any OrgWork, isCreatedTold: Bool = false,
        _ one: (XMLElement) throws(OrgError) -> String
    ) throws -> SOAPAnswer {
        let attempts = try SaveAttempts(elements, allOrNone: call.allOrNone, work) { element throws(OrgError) in
            do throws(OrgError) {
                return try one(element)
            } catch {
                throw error.inSOAP(element)
            }
        }
        let content = attempts.results.map { result in
            switch result {
            case .success(let content): return "<result>\(content)</result>"
            case .failure(let error):
                return "<result>" + (isCreatedTold ? "<created>false</created>" : "") + SOAPWriter.error(error)
                    + SOAPWriter.nothing("id") + "<success>false</success></result>"
            }
        }
        return SOAPAnswer(content: content.joined(), undoesTransaction: attempts.undoesTransaction)
    }
}

extension OrgError {
    static func malformed(id: String) -> OrgError { badRequest("MALFORMED_ID", "malformed id \(id)", fields: []) }

    /// The same in this API's words, which knows no JSON and no addresses of records.
    fileprivate func inSOAP(_ record: XMLElement) -> OrgError {
        var error = self
        if let member = unreadableMember {
            let name = member.lowercased()
            let text = record.children.first { $0.name.lowercased() == name }?.text ?? ""
            error.errorCode = "INVALID_TYPE_ON_FIELD_IN_RECORD"
            error.message = "\(member): value not of required type: \(text)"
            error.fields = [member]
        } else if errorCode == "NOT_FOUND" {
            error.errorCode = "INVALID_CROSS_REFERENCE_KEY"
            error.message = "invalid cross reference id"
            error.fields = []
        }
        return error
    }
}
