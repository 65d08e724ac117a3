/// API names.
enum SchemaName {
    /// Without the suffix; longer ones are refused by an org.
    static let lengthMax = 40

    /// A letter, then letters, digits and single underscores, none at the end; then the suffix.
    static func isCustom(_ name: String, suffix: String) -> Bool {
        guard name.hasSuffix(suffix) else { return false }
        let base = name.dropLast(suffix.count)
        guard let first = base.utf8.first, base.utf8.count <= lengthMax, !base.contains("__"), base.last != "_" else {
            return false
        }
        return isLetter(first) && base.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    /// `Child__c.Field__c`
    static func qualified(_ text: String?) -> (object: String, field: String)? {
        guard let parts = text?.split(separator: ".", omittingEmptySubsequences: false), parts.count == 2,
            !parts[0].isEmpty, !parts[1].isEmpty
        else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    /// `Vehicle_Model__c` → `Vehicle Model`
    static func label(of name: String) -> String {
        let base = name.hasSuffix("__c") || name.hasSuffix("__e") ? name.dropLast(3) : name[...]
        return base.split(separator: "_").joined(separator: " ")
    }

    private static func isLetter(_ character: UInt8) -> Bool {
        (0x41...0x5A).contains(character) || (0x61...0x7A).contains(character)
    }
}
