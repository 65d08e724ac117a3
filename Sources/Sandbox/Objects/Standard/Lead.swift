extension ObjectDefinition {
    /// Captured fields in the order of the real event schema (an org without record types). What conversion sets is
    /// read-only: see `LeadConversion`.
    static let lead = ObjectDefinition(
        name: "Lead", label: "Lead", labelPlural: "Leads", keyPrefix: "00Q", isMergeable: true,
        fields: leadingFields(idLabel: "Lead ID") + [.masterRecord(of: "Lead")]
            + .personName(salutations: .salutations) + [
                .text("Title", "Title", 128),
                .text("Company", "Company", 255).required(),
            ] + .address("", "") + [
                .phone("Phone", "Phone"),
                .phone("MobilePhone", "Mobile Phone"),
                .phone("Fax", "Fax"),
                .email("Email", "Email"),
                .url("Website", "Website"),
                .longTextArea("Description", "Description", 32_000),
                .picklist("LeadSource", "Lead Source", .sources),
                .picklist("Status", "Status", .leadStatuses),
                .picklist("Industry", "Industry", .industries),
                .picklist("Rating", "Rating", Picklist(["Hot", "Warm", "Cold"])),
                .number(.currency, "AnnualRevenue", "Annual Revenue", digits: 18, scale: 0),
                .integer("NumberOfEmployees", "Employees", digits: 8),
                .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
                .boolean("HasOptedOutOfEmail", "Email Opt Out"),
                .boolean("IsConverted", "Converted").readOnly(),
                .date("ConvertedDate", "Converted Date").readOnly(),
                .reference(
                    "ConvertedAccountId", "Converted Account ID", to: "Account", relationship: "ConvertedAccount"
                ).readOnly(),
                .reference(
                    "ConvertedContactId", "Converted Contact ID", to: "Contact", relationship: "ConvertedContact"
                ).readOnly(),
                .reference(
                    "ConvertedOpportunityId", "Converted Opportunity ID", to: "Opportunity",
                    relationship: "ConvertedOpportunity"
                ).readOnly(),
                .boolean("IsUnreadByOwner", "Unread By Owner"),
            ] + auditFields + [
                .boolean("DoNotCall", "Do Not Call"),
                .boolean("HasOptedOutOfFax", "Fax Opt Out"),
                .date("LastTransferDate", "Last Transfer Date").readOnly(),
                .text("Jigsaw", "Data.com Key", 20),
                .text("JigsawContactId", "Jigsaw Contact ID", 20).readOnly().documented(
                    as: "ExternalForeignKey:ExternalId"),
                .picklist("CleanStatus", "Clean Status", .cleanStatuses, length: 40).documented(as: "Data:StaticEnum"),
                .text("CompanyDunsNumber", "Company D-U-N-S Number", 9),
                .reference("DandbCompanyId", "D&B Company ID", to: "DandBCompany", relationship: "DandbCompany"),
                .text("EmailBouncedReason", "Email Bounced Reason", 255),
                .dateTime("EmailBouncedDate", "Email Bounced Date"),
                .reference("IndividualId", "Individual ID", to: "Individual", relationship: "Individual"),
                .picklist("Pronouns", "Pronouns", .pronouns),
                .picklist("GenderIdentity", "Gender Identity", .genderIdentities),
            ])
}

extension Picklist {
    /// The only status that conversion gives.
    static let convertedLeadStatus = "Closed - Converted"
    static let leadStatuses = Picklist(
        ["Open - Not Contacted", "Working - Contacted", convertedLeadStatus, "Closed - Not Converted"],
        default: "Open - Not Contacted")
    static let salutations = Picklist(["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])
    static let pronouns = Picklist(["He/Him", "She/Her", "They/Them", "He/They", "She/They", "Not Listed"])
    static let genderIdentities = Picklist(["Male", "Female", "Nonbinary", "Not Listed"])
}
