extension ObjectDefinition {
    /// Captured fields in the order of the real event schema of an org without record types and person accounts.
    static let account = ObjectDefinition(
        name: "Account", label: "Account", labelPlural: "Accounts", keyPrefix: "001",
        isMergeable: true,
        fields: leadingFields(idLabel: "Account ID") + [
            .masterRecord(of: "Account"),
            .text("Name", "Account Name", 255).required().naming(),
            .picklist("Type", "Account Type", .accountTypes),
            .reference(
                "ParentId", "Parent Account ID", to: "Account", relationship: "Parent", children: "ChildAccounts"),
        ] + .address("Billing", "Billing") + .address("Shipping", "Shipping") + [
            .phone("Phone", "Account Phone"),
            .phone("Fax", "Account Fax"),
            .text("AccountNumber", "Account Number", 40),
            .url("Website", "Website"),
            .text("Sic", "SIC Code", 20),
            .picklist("Industry", "Industry", .industries),
            .number(.currency, "AnnualRevenue", "Annual Revenue", digits: 18, scale: 0),
            .integer("NumberOfEmployees", "Employees", digits: 8),
            .picklist("Ownership", "Ownership", Picklist(["Public", "Private", "Subsidiary", "Other"])),
            .text("TickerSymbol", "Ticker Symbol", 20),
            .longTextArea("Description", "Account Description", 32_000),
            .picklist("Rating", "Account Rating", Picklist(["Hot", "Warm", "Cold"])),
            .text("Site", "Account Site", 80),
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
        ] + auditFields + [
            .text("Jigsaw", "Data.com Key", 20),
            .text("JigsawCompanyId", "Jigsaw Company ID", 20).readOnly().documented(
                as: "ExternalForeignKey:ExternalId"),
            .picklist("CleanStatus", "Clean Status", .cleanStatuses, length: 40).documented(as: "Data:StaticEnum"),
            .picklist("AccountSource", "Account Source", .sources),
            .text("DunsNumber", "D-U-N-S Number", 9),
            .text("Tradestyle", "Tradestyle", 255),
            .text("NaicsCode", "NAICS Code", 8),
            .text("NaicsDesc", "NAICS Description", 120),
            .text("YearStarted", "Year Started", 4),
            .text("SicDesc", "SIC Description", 80),
            .reference("DandbCompanyId", "D&B Company ID", to: "DandBCompany", relationship: "DandbCompany"),
            .reference("OperatingHoursId", "Operating Hour ID", to: "OperatingHours", relationship: "OperatingHours"),
        ])
}

extension Picklist {
    static let accountTypes = Picklist([
        "Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller", "Installation Partner",
        "Technology Partner", "Other",
    ])
    static let industries = Picklist([
        "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction",
        "Consulting",
        "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance",
        "Food & Beverage",
        "Government", "Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing", "Media", "Not For Profit",
        "Recreation", "Retail", "Shipping", "Technology", "Telecommunications", "Transportation", "Utilities", "Other",
    ])
    static let sources = Picklist(["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"])
    static let cleanStatuses = Picklist(
        [
            "Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending", "SelectMatch", "Skipped",
        ], default: "Pending", isRestricted: true)
}
