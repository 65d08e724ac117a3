import ChangeEvents

/// What an org does to records of the standard objects by itself when they are saved.
struct RecordRules {
    /// Milliseconds since 1970.
    let now: Int64
    let userID: String
    /// A live record of any object, by its id.
    let record: (RecordID) throws -> RecordImage?
    /// Whether a user has this username.
    let isUsernameTaken: (String) throws -> Bool

    /// `before` nil: a new record. `given`: what the caller set.
    func apply(
        to fields: inout RecordFields, of object: ObjectDefinition, before: RecordFields?, given: RecordFields
    ) throws {
        switch object.name {
        case "Account":
            try PersonAccountRules.apply(to: &fields, of: object, before: before, given: given)
        case "Case":
            try CaseRules.apply(to: &fields, before: before, given: given, now: now) { contact in
                try record(contact)?.fields["AccountId"]
            }
        case "Opportunity":
            OpportunityRules.apply(to: &fields, before: before, given: given, now: now)
        case "Task":
            TaskRules.apply(to: &fields, before: before, now: now)
            fields["AccountId"] = try TaskRules.account(of: fields, record)
        case "Order":
            OrderRules.apply(to: &fields, before: before, now: now, userID: userID)
        case "OrderItem":
            OrderRules.applyItem(to: &fields)
            if before == nil, fields["Product2Id"] ?? .null == .null,
                case .string(let text) = fields["PricebookEntryId"] ?? .null, let id = RecordID(text)
            {
                fields["Product2Id"] = try record(id)?.fields["Product2Id"] ?? .null
            }
        case "User":
            try UserRules.apply(to: &fields, before: before, isTaken: isUsernameTaken)
        case "Lead":
            // Who gets a lead of someone else has not read it.
            if let before, before["OwnerId"] != fields["OwnerId"] {
                fields["LastTransferDate"] = .date(milliseconds: OrgTime.day(of: now))
            }
        default:
            break
        }
    }
}
