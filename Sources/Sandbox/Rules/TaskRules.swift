import ChangeEvents

/// What follows from a task's status and from what it is about. Pure, but for the records that it is about.
enum TaskRules {
    static func apply(to fields: inout RecordFields, before: RecordFields?, now: Int64) {
        let isClosed = fields["Status"] == .string("Completed")
        let wasClosed = before?["IsClosed"] == .boolean(true)
        fields["IsClosed"] = .boolean(isClosed)
        fields["IsHighPriority"] = .boolean(fields["Priority"] == .string("High"))
        if isClosed, !wasClosed { fields["CompletedDateTime"] = .dateTime(milliseconds: now) }
        if !isClosed { fields["CompletedDateTime"] = .null }
    }

    /// The account of what the task is about; else that of the person.
    static func account(
        of fields: RecordFields, _ record: (RecordID) throws -> RecordImage?
    ) throws -> FieldValue {
        for name in ["WhatId", "WhoId"] {
            guard case .string(let text) = fields[name] ?? .null, let id = RecordID(text) else { continue }
            if id.keyPrefix == ObjectDefinition.account.keyPrefix { return .string(id.string) }
            if let account = try record(id)?.fields["AccountId"], account != .null { return account }
        }
        return .null
    }
}
