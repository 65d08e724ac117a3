import ChangeEvents

/// What an org does to a case by itself when it is saved. Pure: records it needs come in.
enum CaseRules {
    static let closedStatus = "Closed"

    /// `before` nil: a new case. `now` in milliseconds. `given`: what the caller set.
    static func apply(
        to fields: inout RecordFields, before: RecordFields?, given: RecordFields, now: Int64,
        contactAccount: (RecordID) throws -> FieldValue?
    ) throws {
        let isClosed = fields["Status"] == .string(closedStatus)
        let wasClosed = before?["IsClosed"] == .boolean(true)
        fields["IsClosed"] = .boolean(isClosed)
        if isClosed, !wasClosed { fields["ClosedDate"] = .dateTime(milliseconds: now) }
        if !isClosed { fields["ClosedDate"] = .null }
        if before == nil { fields["IsClosedOnCreate"] = .boolean(isClosed) }

        // A case follows its contact's account unless the caller says otherwise.
        let contact = fields["ContactId"] ?? .null
        if contact != (before?["ContactId"] ?? .null), given["AccountId"] == nil, case .string(let text) = contact,
            let id = RecordID(text), let account = try contactAccount(id)
        {
            fields["AccountId"] = account
        }
    }
}
