/// The `Name` of a person (contact, lead, user, person account). Events carry its parts as a compound, and no text; answers of the
/// REST and Bulk APIs have the text: "Concatenation of FirstName, MiddleName, LastName, and Suffix" (Object Reference, Contact).
public enum PersonName {
    /// Name of the field.
    public static let field = "Name"
    /// The parts that the text is made of, in its order; an org has those that it has enabled.
    public static let parts = ["FirstName", "MiddleName", "LastName", "Suffix"]
    /// Where the family name stands first. Which order an org uses, only its texts tell.
    private static let familyFirst = ["LastName", "FirstName", "MiddleName", "Suffix"]

    /// Null where there is no part.
    public static func text(_ value: (_ part: String) -> FieldValue?) -> FieldValue { text(parts, value) }

    /// The text for other parts, in the order that one with known parts has; nil: its order is none that we know.
    public static func text(
        like known: FieldValue, of knownPart: (_ part: String) -> FieldValue?, _ value: (_ part: String) -> FieldValue?
    ) -> FieldValue? {
        [parts, familyFirst].first { text($0, knownPart) == known }.map { text($0, value) }
    }

    private static func text(_ order: [String], _ value: (_ part: String) -> FieldValue?) -> FieldValue {
        let words = order.compactMap { part -> String? in
            guard case .string(let word)? = value(part), !word.isEmpty else { return nil }
            return word
        }
        return words.isEmpty ? .null : .string(words.joined(separator: " "))
    }
}
