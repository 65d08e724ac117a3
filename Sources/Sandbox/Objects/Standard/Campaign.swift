extension ObjectDefinition {
    /// What opportunities come from.
    static let campaign = ObjectDefinition(
        name: "Campaign", label: "Campaign", labelPlural: "Campaigns", keyPrefix: "701",
        fields: leadingFields(idLabel: "Campaign ID") + [
            .text("Name", "Name", 80).required().naming(),
            .reference(
                "ParentId", "Parent Campaign ID", to: "Campaign", relationship: "Parent", children: "ChildCampaigns"),
            .picklist(
                "Type", "Type", Picklist(["Conference", "Webinar", "Trade Show", "Email", "Advertisement", "Other"])),
            .picklist(
                "Status", "Status",
                Picklist(["Planned", "In Progress", "Completed", "Aborted"], default: "Planned")),
            .date("StartDate", "Start Date"),
            .date("EndDate", "End Date"),
            .number(.currency, "ExpectedRevenue", "Expected Revenue", digits: 18, scale: 0),
            .number(.currency, "BudgetedCost", "Budgeted Cost", digits: 18, scale: 0),
            .number(.currency, "ActualCost", "Actual Cost", digits: 18, scale: 0),
            .number(.percent, "ExpectedResponse", "Expected Response (%)", digits: 10, scale: 2),
            .number(.double, "NumberSent", "Num Sent", digits: 18, scale: 0),
            .boolean("IsActive", "Active"),
            .longTextArea("Description", "Description", 32_000),
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
        ] + auditFields)
}
