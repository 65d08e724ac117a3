extension ObjectDefinition {
    /// Activities. `WhoId` and `WhatId` are polymorphic; `AccountId` and `IsClosed` follow (see `TaskRules`).
    static let task = ObjectDefinition(
        name: "Task", label: "Task", labelPlural: "Tasks", keyPrefix: "00T",
        fields: leadingFields(idLabel: "Activity ID") + [
            .reference(
                "WhoId", "Name ID", to: "Contact", "Lead", relationship: "Who", children: "Tasks",
                whenDeleted: .cascade),
            .reference(
                "WhatId", "Related To ID", to: "Account", "Case", "Opportunity", "Order", "Product2",
                relationship: "What", children: "Tasks", whenDeleted: .cascade),
            .combobox("Subject", "Subject", Picklist(["Call", "Email", "Send Letter", "Send Quote", "Other"])).naming(),
            .date("ActivityDate", "Due Date Only"),
            .picklist("Status", "Status", .taskStatuses).required(),
            .picklist("Priority", "Priority", Picklist(["High", "Normal", "Low"], default: "Normal")).required(),
            .boolean("IsHighPriority", "High Priority").readOnly(),
            .reference("OwnerId", "Assigned To ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
            .longTextArea("Description", "Description", 32_000),
            .reference("AccountId", "Account ID", to: "Account", relationship: "Account").readOnly(),
            .boolean("IsClosed", "Closed").readOnly(),
        ] + auditFields + [
            .integer("CallDurationInSeconds", "Call Duration", digits: 8),
            .picklist("CallType", "Call Type", Picklist(["Internal", "Inbound", "Outbound"]), length: 40),
            .text("CallDisposition", "Call Result", 255),
            .dateTime("ReminderDateTime", "Reminder Date/Time"),
            .boolean("IsReminderSet", "Reminder Set"),
            .picklist("TaskSubtype", "Task Subtype", Picklist(["Task", "Email", "Call"], default: "Task"), length: 40),
            .dateTime("CompletedDateTime", "Completed Date/Time").readOnly(),
        ])
}

extension Picklist {
    static let taskStatuses = Picklist(
        ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"], default: "Not Started")
}
