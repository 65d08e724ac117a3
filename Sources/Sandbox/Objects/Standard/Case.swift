extension ObjectDefinition {
    /// Support cases. `IsClosed`, `IsClosedOnCreate` and `ClosedDate` follow from `Status` (see `CaseRules`); the
    /// `Contact…` fields are read from the contact and therefore never in change events. The last three are custom
    /// fields of Electric Motors.
    static let `case` = ObjectDefinition(
        name: "Case", label: "Case", labelPlural: "Cases", keyPrefix: "500", isMergeable: true,
        fields: leadingFields(idLabel: "Case ID") + [
            .masterRecord(of: "Case"),
            .autoNumber("CaseNumber", "Case Number", format: "{00000000}", from: 1_000).naming(),
            .reference(
                "ContactId", "Contact ID", to: "Contact", relationship: "Contact", children: "Cases",
                whenDeleted: .restrict),
            .reference(
                "AccountId", "Account ID", to: "Account", relationship: "Account", children: "Cases",
                whenDeleted: .restrict),
            .reference("ParentId", "Parent Case ID", to: "Case", relationship: "Parent", children: "Cases"),
            .text("SuppliedName", "Name", 80),
            .email("SuppliedEmail", "Email Address"),
            .text("SuppliedPhone", "Phone", 40),
            .text("SuppliedCompany", "Company", 80),
            .picklist("Type", "Case Type", Picklist(["Problem", "Question", "Feature Request"])),
            .picklist("Status", "Status", .caseStatuses),
            .picklist("Reason", "Case Reason", .caseReasons),
            .picklist("Origin", "Case Origin", Picklist(["Phone", "Email", "Web", "Vehicle"])),
            .text("Subject", "Subject", 255),
            .picklist(
                "Priority", "Priority", Picklist(["High", "Medium", "Low"], default: "Medium", isRestricted: true)),
            .longTextArea("Description", "Description", 32_000),
            .boolean("IsClosed", "Closed").readOnly(),
            .dateTime("ClosedDate", "Closed Date").readOnly(),
            .boolean("IsEscalated", "Escalated"),
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
            .boolean("IsClosedOnCreate", "Closed When Created").readOnly(),
        ] + auditFields + [
            .phone("ContactPhone", "Contact Phone").showing("Contact.Phone"),
            .phone("ContactMobile", "Contact Mobile").showing("Contact.MobilePhone"),
            .email("ContactEmail", "Contact Email").showing("Contact.Email"),
            .phone("ContactFax", "Contact Fax").showing("Contact.Fax"),
            .picklist(
                "Vehicle_Model__c", "Vehicle Model",
                Picklist(["Volta S", "Volta X", "Ampere City", "Ampere Van", "Ohm Roadster"], isRestricted: true)
            ).custom("00N5g00000MrVmo"),
            .text("VIN__c", "VIN", 17).custom("00N5g00000MrVin"),
            .number(.double, "Mileage__c", "Mileage (km)", digits: 7, scale: 0).custom("00N5g00000MrMil"),
        ])
}

extension Picklist {
    /// Restricted in this org, because `IsClosed` follows from it.
    static let caseStatuses = Picklist(
        ["New", "Working", "On Hold", "Escalated", "Closed"], default: "New", isRestricted: true)
    static let caseReasons = Picklist([
        "Charging", "Battery", "Software", "Delivery", "Performance", "Equipment Design", "Feedback", "Other",
    ])
}
