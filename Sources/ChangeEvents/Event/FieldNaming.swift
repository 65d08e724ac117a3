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
}
