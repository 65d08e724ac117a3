public import ChangeEvents

/// How a lead is to be converted.
public struct LeadConversion: Sendable, Hashable {
    public var leadID: RecordID
    /// Converts into what is there already; nil: a new account or contact.
    public var accountID: RecordID?
    public var contactID: RecordID?
    /// One that is there already; then none is made.
    public var opportunityID: RecordID?
    public var createsOpportunity = true
    /// The lead's source replaces that of a contact that is there already.
    public var overwritesLeadSource = false
    /// The company's name by default.
    public var opportunityName: String?
    public var convertedStatus: String
    /// The lead's owner by default.
    public var ownerID: RecordID?

    public init(leadID: RecordID, convertedStatus: String = "Closed - Converted") {
        self.leadID = leadID
        self.convertedStatus = convertedStatus
    }
}

/// What became of a lead.
public struct ConvertedLead: Sendable, Hashable {
    public var leadID: RecordID
    public var accountID: RecordID
    public var contactID: RecordID
    public var opportunityID: RecordID?
}

/// Which of a lead's values go where: the mapping that every org begins with.
enum LeadMapping {
    static let account = [
        "Company": "Name", "Phone": "Phone", "Fax": "Fax", "Website": "Website", "Industry": "Industry",
        "Rating": "Rating", "AnnualRevenue": "AnnualRevenue", "NumberOfEmployees": "NumberOfEmployees",
        "LeadSource": "AccountSource", "Street": "BillingStreet", "City": "BillingCity", "State": "BillingState",
        "PostalCode": "BillingPostalCode", "Country": "BillingCountry",
    ]
    static let contact = [
        "Salutation": "Salutation", "FirstName": "FirstName", "LastName": "LastName", "Title": "Title",
        "Email": "Email", "Phone": "Phone", "MobilePhone": "MobilePhone", "Fax": "Fax", "LeadSource": "LeadSource",
        "Description": "Description", "HasOptedOutOfEmail": "HasOptedOutOfEmail",
        "HasOptedOutOfFax": "HasOptedOutOfFax", "DoNotCall": "DoNotCall", "Street": "MailingStreet",
        "City": "MailingCity", "State": "MailingState", "PostalCode": "MailingPostalCode",
        "Country": "MailingCountry",
    ]
    static let opportunity = ["LeadSource": "LeadSource"]

    static func values(of lead: RecordImage, by mapping: [String: String]) -> [String: FieldValue] {
        var values: [String: FieldValue] = [:]
        for (source, target) in mapping {
            if let value = lead.fields[source], value != .null { values[target] = value }
        }
        return values
    }
}
