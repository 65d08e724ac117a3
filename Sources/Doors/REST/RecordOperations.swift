/// What an org does to records beyond creating, changing and deleting them: its SOAP API alone has calls for it.

/// One or two records that go into a third.
public struct RecordMerge: Sendable, Hashable {
    public var object: String
    public var masterID: String
    /// Values that the master takes.
    public var fields: [JSONValue.Member]
    public var mergedIDs: [String]
    public init(object: String, masterID: String, fields: [JSONValue.Member], mergedIDs: [String]) {
        self.object = object
        self.masterID = masterID
        self.fields = fields
        self.mergedIDs = mergedIDs
    }
}

public struct MergedRecord: Sendable, Hashable {
    public var id: String
    /// Deleted now, with `MasterRecordId`.
    public var mergedIDs: [String]
    /// Records that referred to one of those and refer to the master now.
    public var updatedRelatedIDs: [String]
    public init(id: String, mergedIDs: [String], updatedRelatedIDs: [String]) {
        self.id = id
        self.mergedIDs = mergedIDs
        self.updatedRelatedIDs = updatedRelatedIDs
    }
}

/// How a lead is to be converted; nil: new, or what the lead says.
public struct LeadConvert: Sendable, Hashable {
    public var leadID: String
    public var convertedStatus: String
    public var accountID: String?
    public var contactID: String?
    public var opportunityID: String?
    public var opportunityName: String?
    public var ownerID: String?
    public var doesNotCreateOpportunity = false
    /// Of a contact that is there already.
    public var overwritesLeadSource = false
    public init(leadID: String, convertedStatus: String) {
        self.leadID = leadID
        self.convertedStatus = convertedStatus
    }
}

public struct LeadConvertResult: Sendable, Hashable {
    public var leadID: String
    public var accountID: String
    public var contactID: String
    public var opportunityID: String?
    public init(leadID: String, accountID: String, contactID: String, opportunityID: String?) {
        self.leadID = leadID
        self.accountID = accountID
        self.contactID = contactID
        self.opportunityID = opportunityID
    }
}
