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
            ] + auditFields)
}
