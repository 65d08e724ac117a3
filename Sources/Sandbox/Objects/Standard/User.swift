extension ObjectDefinition {
    /// The people of the org: what owners and the audit fields refer to. Read-only in this slice.
    static let user = ObjectDefinition(
        name: "User", label: "User", labelPlural: "Users", keyPrefix: "005", isWritable: false, isCapturable: false,
        fields: [leadingFields(idLabel: "User ID")[0]] + [
            .text("Username", "Username", 80).readOnly()
        ]
            + [FieldDefinition].personName(salutations: Picklist([])).filter { $0.name != "Salutation" }.map {
                $0.readOnly()
            } + [
                .email("Email", "Email").readOnly(),
                .text("Alias", "Alias", 8).readOnly(),
                .text("Title", "Title", 80).readOnly(),
                .picklist("UserType", "User Type", Picklist(["Standard"], isRestricted: true), length: 40).readOnly(),
                .boolean("IsActive", "Active").readOnly(),
                .text("CompanyName", "Company Name", 80).readOnly(),
                .text("Department", "Department", 80).readOnly(),
                .phone("Phone", "Phone").readOnly(),
                .phone("MobilePhone", "Cell").readOnly(),
                .text("EmployeeNumber", "Employee Number", 20).readOnly(),
                .text("FederationIdentifier", "SAML Federation ID", 512).readOnly(),
                .reference("ManagerId", "Manager ID", to: "User", relationship: "Manager").readOnly(),
                .text("TimeZoneSidKey", "Time Zone", 40).readOnly(),
                .text("LocaleSidKey", "Locale", 40).readOnly(),
                .text("LanguageLocaleKey", "Language", 40).readOnly(),
                .text("EmailEncodingKey", "Email Encoding", 40).readOnly(),
            ] + auditFields)
}
