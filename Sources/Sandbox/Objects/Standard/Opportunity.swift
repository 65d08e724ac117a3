extension ObjectDefinition {
    /// `IsClosed`, `IsWon` and the forecast category follow from `StageName`, and so does `Probability` where the
    /// caller says nothing (see `OpportunityRules`).
    static let opportunity = ObjectDefinition(
        name: "Opportunity", label: "Opportunity", labelPlural: "Opportunities", keyPrefix: "006",
        fields: leadingFields(idLabel: "Opportunity ID") + [
            .reference(
                "AccountId", "Account ID", to: "Account", relationship: "Account", children: "Opportunities",
                whenDeleted: .cascade),
            .boolean("IsPrivate", "Private"),
            .text("Name", "Name", 120).required().naming(),
            .longTextArea("Description", "Description", 32_000),
            .picklist("StageName", "Stage", .stages).required(),
            .number(.currency, "Amount", "Amount", digits: 16, scale: 2),
            .number(.percent, "Probability", "Probability (%)", digits: 3, scale: 0),
            .number(.currency, "ExpectedRevenue", "Expected Amount", digits: 16, scale: 2).readOnly(),
            .number(.double, "TotalOpportunityQuantity", "Quantity", digits: 16, scale: 2),
            .date("CloseDate", "Close Date").required(),
            .picklist("Type", "Opportunity Type", Picklist(["Existing Business", "New Business"])),
            .text("NextStep", "Next Step", 255),
            .picklist("LeadSource", "Lead Source", .sources),
            .boolean("IsClosed", "Closed").readOnly(),
            .boolean("IsWon", "Won").readOnly(),
            .picklist("ForecastCategory", "Forecast Category", .forecastCategories, length: 40).readOnly(),
            .picklist("ForecastCategoryName", "Forecast Category", .forecastCategoryNames),
            .reference(
                "CampaignId", "Campaign ID", to: "Campaign", relationship: "Campaign", children: "Opportunities"),
            .reference("Pricebook2Id", "Price Book ID", to: "Pricebook2", relationship: "Pricebook2"),
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
        ] + auditFields + [
            .reference(
                "ContactId", "Contact ID", to: "Contact", relationship: "Contact", children: "Opportunities"),
            .dateTime("LastStageChangeDate", "Last Stage Change Date").readOnly(),
        ])
}

extension Picklist {
    static let stages = Picklist(OpportunityRules.stages.map(\.name), isRestricted: false)
    static let forecastCategories = Picklist(
        ["Omitted", "Pipeline", "BestCase", "MostLikely", "Forecast", "Closed"], isRestricted: true)
    static let forecastCategoryNames = Picklist(
        ["Omitted", "Pipeline", "Best Case", "Most Likely", "Commit", "Closed"], isRestricted: true)
}
