extension ObjectDefinition {
    /// The people of the org: what owners and the audit fields refer to, and who logs in. Made and changed as an org's API does it;
    /// never deleted, only made inactive. See `UserRules`.
    static let user = ObjectDefinition(
        name: "User", label: "User", labelPlural: "Users", keyPrefix: "005", isDeletable: false,
        fields: [leadingFields(idLabel: "User ID")[0]] + [
            .text("Username", "Username", 80).required()
        ]
            + [FieldDefinition].personName(salutations: Picklist([])).filter { $0.name != "Salutation" } + [
                .email("Email", "Email").required(),
                .text("Alias", "Alias", 8).required(),
                .text("Title", "Title", 80),
                .picklist("UserType", "User Type", Picklist(["Standard"], isRestricted: true), length: 40).readOnly(),
                .boolean("IsActive", "Active"),
                .text("CompanyName", "Company Name", 80),
                .text("Department", "Department", 80),
                .phone("Phone", "Phone"),
                .phone("MobilePhone", "Cell"),
                .text("EmployeeNumber", "Employee Number", 20),
                .text("FederationIdentifier", "SAML Federation ID", 512),
                .reference("ManagerId", "Manager ID", to: "User", relationship: "Manager"),
                .text("TimeZoneSidKey", "Time Zone", 40).required(),
                .text("LocaleSidKey", "Locale", 40).required(),
                .text("LanguageLocaleKey", "Language", 40).required(),
                .text("EmailEncodingKey", "Email Encoding", 40).required(),
                .reference("ProfileId", "Profile ID", to: "Profile", relationship: "Profile", whenDeleted: .restrict)
                    .required(),
            ] + auditFields)

    /// What users may do; here only a name. Made when the org is founded.
    static let profile = ObjectDefinition(
        name: "Profile", label: "Profile", labelPlural: "Profiles", keyPrefix: "00e", isWritable: false,
        isCapturable: false,
        fields: [leadingFields(idLabel: "Profile ID")[0]] + [
            .text("Name", "Name", 255).naming().readOnly(),
            .picklist("UserType", "User Type", Picklist(["Standard"], isRestricted: true), length: 40).readOnly(),
            .textArea("Description", "Description", 255).readOnly(),
        ] + auditFields)
}
