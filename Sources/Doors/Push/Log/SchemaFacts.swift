internal import ChangeEvents
internal import NIOCore

/// A compiled schema with the names of its fields as masks and changed-field lists need them. Made once per schema, shared.
final class SchemaFacts: Sendable {
    let schema: EventSchema
    /// `ShippingAddress` and `ShippingAddress.Street` to the flat names they stand for.
    private let flatNames: [String: [String]]

    init(_ schema: EventSchema) {
        self.schema = schema
        var flatNames: [String: [String]] = [:]
        for field in schema.fields {
            flatNames[field.name] = field.flatNames
            for (component, flatName) in zip(field.components, field.flatNames) {
                flatNames["\(field.name).\(component)"] = [flatName]
            }
        }
        self.flatNames = flatNames
    }

    /// Every name that a condition may use, in lower case.
    var fieldNames: Set<String> {
        Set(flatNames.flatMap { [$0.key] + $0.value }.map { $0.lowercased() })
    }

    /// The flat fields behind a name as `changedFields` shows it or as a token lists it.
    func flatNames(of name: String) -> [String] { flatNames[name] ?? [name] }

    /// The mask for what a token allows: names of compounds stand for all their components.
    func mask(_ fields: Set<String>?) -> EventSchema.Mask {
        guard let fields else { return .all }
        return EventSchema.Mask(flatNames: flatNames(ofAll: fields))
    }

    /// The flat fields behind the names that a token lists.
    func flatNames(ofAll names: Set<String>) -> Set<String> { Set(names.flatMap { [$0] + flatNames(of: $0) }) }

    /// What a change event says of its record; nil when it cannot be decoded.
    func changeEventValues(of payload: ByteBuffer) -> [String: FieldValue]? {
        (try? schema.changeEvent(of: payload))?.values
    }

    /// The fields of an event that is no change event; nil when it is one, or cannot be decoded.
    func platformEventValues(of payload: ByteBuffer) -> [String: FieldValue]? {
        try? schema.values(of: payload)
    }
}
