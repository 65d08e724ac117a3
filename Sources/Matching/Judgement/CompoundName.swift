/// From a component of a compound field to the flat name that images use: `BillingAddress.City` → `BillingCity`,
/// `Address.City` → `City`, `Name.LastName` → `LastName`, `Place__c.Latitude` → `Place__Latitude__s`.
///
/// A dotted name that is none of these would go to another record (`Account.Name`); filters do not follow
/// relationships, so it has no flat name and its value is unknown.
enum CompoundName {
    static func flatName(parent: Substring, component: Substring) -> String? {
        if parent.isSameName(as: "Name") {
            return nameComponents.contains(component.lowercased()) ? String(component) : nil
        }
        let part = component.lowercased()
        if hasSuffix(parent, "Address") {
            return addressComponents.contains(part) ? String(parent.dropLast("Address".count)) + component : nil
        }
        if hasSuffix(parent, "__c") {
            let bare = hasSuffix(component, "__s") ? component.dropLast(3) : component
            let isComponent = addressComponents.contains(bare.lowercased())
            return isComponent ? "\(parent.dropLast(3))__\(bare)__s" : nil
        }
        return nil
    }

    private static func hasSuffix(_ name: Substring, _ suffix: String) -> Bool {
        name.suffix(suffix.count).isSameName(as: suffix)
    }

    private static let nameComponents: Set<String> = [
        "salutation", "firstname", "middlename", "lastname", "informalname", "suffix",
    ]
    /// Those of `Location` are among them.
    private static let addressComponents: Set<String> = [
        "street", "city", "state", "postalcode", "country", "statecode", "countrycode", "latitude", "longitude", "xyz",
        "geocodeaccuracy",
    ]
}
