/// What is sold, at which price, and to whom.
extension ObjectDefinition {
    static let product = ObjectDefinition(
        name: "Product2", label: "Product", labelPlural: "Products", keyPrefix: "01t",
        fields: leadingFields(idLabel: "Product ID") + [
            .text("Name", "Product Name", 255).required().naming(),
            .text("ProductCode", "Product Code", 255),
            .longTextArea("Description", "Product Description", 4_000),
            .boolean("IsActive", "Active"),
        ] + auditFields + [
            .picklist("Family", "Product Family", Picklist(["Vehicles", "Batteries", "Charging", "Service"])),
            .text("StockKeepingUnit", "Product SKU", 180),
            .url("DisplayUrl", "Display URL"),
            .picklist("QuantityUnitOfMeasure", "Quantity Unit Of Measure", Picklist(["Each"])),
            .text("ExternalId", "External ID", 255),
        ])

    static let pricebook = ObjectDefinition(
        name: "Pricebook2", label: "Price Book", labelPlural: "Price Books", keyPrefix: "01s",
        fields: leadingFields(idLabel: "Price Book ID") + [
            .text("Name", "Price Book Name", 255).required().naming(),
            .text("Description", "Description", 255),
            .boolean("IsActive", "Active"),
            .boolean("IsStandard", "Is Standard Price Book").readOnly(),
        ] + auditFields)

    static let pricebookEntry = ObjectDefinition(
        name: "PricebookEntry", label: "Price Book Entry", labelPlural: "Price Book Entries", keyPrefix: "01u",
        fields: leadingFields(idLabel: "Price Book Entry ID") + [
            .text("Name", "Product Name", 255).showing("Product2.Name").naming(),
            .reference(
                "Pricebook2Id", "Price Book ID", to: "Pricebook2", relationship: "Pricebook2",
                children: "PricebookEntries", whenDeleted: .cascade
            ).required().createOnly(),
            .reference(
                "Product2Id", "Product ID", to: "Product2", relationship: "Product2", children: "PricebookEntries",
                whenDeleted: .cascade
            ).required().createOnly(),
            .number(.currency, "UnitPrice", "List Price", digits: 16, scale: 2).required(),
            .boolean("IsActive", "Active"),
            .boolean("UseStandardPrice", "Use Standard Price"),
            .text("ProductCode", "Product Code", 255).showing("Product2.ProductCode"),
        ] + auditFields)
}
