extension ObjectDefinition {
    /// `StatusCode` and `ActivatedDate` follow from `Status` (see `OrderRules`); `TotalAmount` sums up the order's
    /// products.
    static let order = ObjectDefinition(
        name: "Order", label: "Order", labelPlural: "Orders", keyPrefix: "801",
        fields: leadingFields(idLabel: "Order ID") + [
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
            .reference(
                "AccountId", "Account ID", to: "Account", relationship: "Account", children: "Orders",
                whenDeleted: .restrict
            ).required(),
            .reference(
                "Pricebook2Id", "Price Book ID", to: "Pricebook2", relationship: "Pricebook2", children: "Orders"),
            .date("EffectiveDate", "Order Start Date").required(),
            .date("EndDate", "Order End Date"),
            .picklist("Status", "Status", Picklist(["Draft", "Activated"], isRestricted: true)).required(),
            .longTextArea("Description", "Description", 32_000),
            .reference(
                "BillToContactId", "Bill To Contact ID", to: "Contact", relationship: "BillToContact",
                children: "BillToContactOrders"),
            .reference(
                "ShipToContactId", "Ship To Contact ID", to: "Contact", relationship: "ShipToContact",
                children: "ShipToContactOrders"),
            .date("PoDate", "PO Date"),
            .text("PoNumber", "PO Number", 80),
            .text("OrderReferenceNumber", "Order Reference Number", 80),
            .picklist("Type", "Order Type", Picklist(["New", "Replacement"])),
        ] + .address("Billing", "Billing") + .address("Shipping", "Shipping") + [
            .text("Name", "Order Name", 80),
            .dateTime("ActivatedDate", "Activated Date").readOnly(),
            .reference(
                "ActivatedById", "Activated By ID", to: "User", relationship: "ActivatedBy"
            ).readOnly(),
            .picklist("StatusCode", "Status Category", Picklist(["Draft", "Activated"], isRestricted: true)).readOnly(),
            .autoNumber("OrderNumber", "Order Number", format: "{00000000}", from: 100).naming(),
            orderTotal,
        ] + auditFields)

    /// Details of an order.
    static let orderItem = ObjectDefinition(
        name: "OrderItem", label: "Order Product", labelPlural: "Order Products", keyPrefix: "802",
        fields: leadingFields(idLabel: "Order Product ID") + [
            .reference("Product2Id", "Product ID", to: "Product2", relationship: "Product2", children: "OrderItems")
                .createOnly(),
            .reference(
                "OrderId", "Order ID", to: "Order", relationship: "Order", children: "OrderItems", whenDeleted: .cascade
            ).required().createOnly().belonging(),
            .reference(
                "PricebookEntryId", "Price Book Entry ID", to: "PricebookEntry", relationship: "PricebookEntry",
                children: "OrderItems", whenDeleted: .restrict
            ).createOnly(),
            .number(.double, "AvailableQuantity", "Available Quantity", digits: 16, scale: 2).readOnly(),
            .number(.double, "Quantity", "Quantity", digits: 16, scale: 2).required(),
            .number(.currency, "UnitPrice", "Unit Price", digits: 16, scale: 2).required(),
            .number(.currency, "ListPrice", "List Price", digits: 16, scale: 2).readOnly(),
            .number(.currency, "TotalPrice", "Total Price", digits: 16, scale: 2).readOnly(),
            .date("ServiceDate", "Start Date"),
            .date("EndDate", "End Date"),
            .text("Description", "Line Description", 255),
        ] + auditFields + [
            .autoNumber("OrderItemNumber", "Order Product Number", format: "{0000000000}").naming()
        ])

    private static var orderTotal: FieldDefinition {
        var field = FieldDefinition.number(.currency, "TotalAmount", "Order Amount", digits: 16, scale: 2).readOnly()
        field.rollUp = RollUp(operation: .sum, child: "OrderItem", childReference: "OrderId", summarized: "TotalPrice")
        return field
    }
}
