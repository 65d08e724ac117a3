import ChangeEvents

/// An object with its compiled event schema. Made when the sandbox opens, immutable, shared.
struct CapturedObject: Sendable {
    /// A field that change events carry.
    struct Field: Sendable {
        /// In the records' shape.
        let place: Int
        /// In the event schema's bitmaps.
        let slot: Int
        /// How bitmaps call it: `BillingStreet` → `BillingAddress.Street`.
        let bitmapName: String
        /// A text that may go out as a difference: a long or rich text area.
        let isLargeText: Bool
        let isName: Bool
    }

    let object: ObjectDefinition
    let schema: EventSchema
    /// In the order of the schema.
    let fields: [Field]
    /// Places of fields that the schema has, and events do not tell: those that are hidden.
    let hiddenPlaces: [Int]
    /// The fields' places alone, in the same order.
    let places: [Int]
    let encoder: EventEncoder
    private let fieldByPlace: [Int: Int]

    init(_ object: ObjectDefinition) throws(SandboxError) {
        let text = EventSchemaText(object: object)
        do {
            let id = try EventSchema(json: text.json(id: nil)).id
            schema = try EventSchema(json: text.json(id: id.string))
        } catch {
            throw SandboxError(
                code: .schema, message: "the event schema of \(object.name) does not parse: \(error.message)",
                cause: error)
        }
        self.object = object
        fields = Self.names(in: schema).compactMap { [schema] name, bitmapName in
            guard let rule = object.template.rule(name), !rule.field.isHidden,
                let slot = schema.slot(of: bitmapName)
            else { return nil }
            let doc = rule.field.eventDoc ?? rule.field.kind.eventDoc
            return Field(
                place: rule.place, slot: slot, bitmapName: bitmapName, isLargeText: doc.hasSuffix("Clob"),
                isName: name == "Name")
        }
        hiddenPlaces = object.fields.indices.filter { object.fields[$0].isHidden }
        places = fields.map(\.place)
        fieldByPlace = Dictionary(
            fields.enumerated().map { ($0.element.place, $0.offset) }, uniquingKeysWith: { first, _ in first })
        encoder = EventEncoder(schema: schema, shape: object.template.shape)
    }

    /// The records' names and the bitmaps' names of everything but the header.
    private static func names(in schema: EventSchema) -> [(name: String, bitmapName: String)] {
        schema.fields.dropFirst().flatMap { field in
            if field.components.isEmpty { return [(field.name, field.name)] }
            let components = zip(field.components, field.flatNames).map { ($1, field.name + "." + $0) }
            // A name that may be one text stands for itself as well.
            return components + field.flatNames.dropFirst(field.components.count).map { ($0, $0) }
        }
    }

    /// Of fields by their places.
    func bitmap(of places: [Int]) -> [String] {
        schema.bitmap(ofSlots: places.compactMap { fieldByPlace[$0].map { fields[$0].slot } })
    }

    func expandedNames(of places: [Int]) -> [String] {
        places.compactMap { fieldByPlace[$0].map { fields[$0].bitmapName } }
    }
}
