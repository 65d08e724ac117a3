extension ObjectDefinition {
    static let contact = ObjectDefinition(
        name: "Contact", label: "Contact", labelPlural: "Contacts", keyPrefix: "003", isMergeable: true,
        fields: leadingFields(idLabel: "Contact ID") + [
            .masterRecord(of: "Contact"),
            .reference(
                "AccountId", "Account ID", to: "Account", relationship: "Account", children: "Contacts",
                whenDeleted: .cascade),
        ] + .personName(salutations: Picklist(["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."]))
            + .address("Other", "Other") + .address("Mailing", "Mailing") + [
                .phone("Phone", "Business Phone"),
                .phone("Fax", "Business Fax"),
                .phone("MobilePhone", "Mobile Phone"),
                .phone("HomePhone", "Home Phone"),
                .phone("OtherPhone", "Other Phone"),
                .phone("AssistantPhone", "Asst. Phone"),
                .reference("ReportsToId", "Reports To ID", to: "Contact", relationship: "ReportsTo"),
                .email("Email", "Email"),
                .text("Title", "Title", 128),
                .text("Department", "Department", 80),
                .text("AssistantName", "Assistant's Name", 40),
                .picklist("LeadSource", "Lead Source", .sources),
                .date("Birthdate", "Birthdate"),
                .longTextArea("Description", "Contact Description", 32_000),
                .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
                .boolean("HasOptedOutOfEmail", "Email Opt Out"),
                .boolean("HasOptedOutOfFax", "Fax Opt Out"),
                .boolean("DoNotCall", "Do Not Call"),
            ] + auditFields + [
                .dateTime("LastCURequestDate", "Last Stay-in-Touch Request Date").readOnly(),
                .dateTime("LastCUUpdateDate", "Last Stay-in-Touch Save Date").readOnly(),
                .text("EmailBouncedReason", "Email Bounced Reason", 255),
                .dateTime("EmailBouncedDate", "Email Bounced Date"),
                .text("Jigsaw", "Data.com Key", 20),
                .text("JigsawContactId", "Jigsaw Contact ID", 20).readOnly().documented(
                    as: "ExternalForeignKey:ExternalId"),
                .picklist("CleanStatus", "Clean Status", .cleanStatuses, length: 40).documented(as: "Data:StaticEnum"),
                .reference("IndividualId", "Individual ID", to: "Individual", relationship: "Individual"),
                .picklist(
                    "Pronouns", "Pronouns",
                    Picklist(["He/Him", "She/Her", "They/Them", "He/They", "She/They", "Not Listed"])),
                .picklist(
                    "GenderIdentity", "Gender Identity", Picklist(["Male", "Female", "Nonbinary", "Not Listed"])),
            ])
}
