import ChangeEvents

/// What follows from an order's status, and the total of an order's product. Pure.
enum OrderRules {
    static func apply(
        to fields: inout RecordFields, before: RecordFields?, now: Int64, userID: String
    ) {
        let status = fields["Status"] ?? .null
        guard status != before?["Status"] else { return }
        let isActive = status == .string("Activated")
        fields["StatusCode"] = .string(isActive ? "Activated" : "Draft")
        fields["ActivatedDate"] = isActive ? .dateTime(milliseconds: now) : .null
        fields["ActivatedById"] = isActive ? .string(userID) : .null
    }

    static func applyItem(to fields: inout RecordFields) {
        guard case .double(let quantity) = fields["Quantity"] ?? .null,
            case .double(let price) = fields["UnitPrice"] ?? .null
        else {
            fields["TotalPrice"] = .null
            return
        }
        fields["TotalPrice"] = .double(FormulaNumber.rounded(quantity * price, scale: 2))
        fields["AvailableQuantity"] = .double(quantity)
    }
}
