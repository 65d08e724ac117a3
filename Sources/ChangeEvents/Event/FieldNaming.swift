/// The names that the components of compound fields have in the REST API, where each stands alone.
enum FieldNaming {
    /// `ShippingAddress`, `Street` → `ShippingStreet`; `Address`, `City` → `City`; `Name`, `FirstName` → `FirstName`;
    /// `My_Loc__c`, `Latitude` → `My_Loc__Latitude__s`.
    static func flatName(field: String, component: String) -> String {
        if field == "Name" || field == "Address" { return component }
        if field.hasSuffix("__c") { return "\(field.dropLast(3))__\(component)__s" }
        if field.hasSuffix("Address") { return field.dropLast("Address".count) + component }
        return field + component
    }

    /// The flat name of a field as `changedFields` names it: `ShippingAddress.Street` → `ShippingStreet`; a name without a
    /// point is flat already.
    static func flatName(of name: String) -> String {
        guard let point = name.firstIndex(of: ".") else { return name }
        return flatName(field: String(name[..<point]), component: String(name[name.index(after: point)...]))
    }
}
