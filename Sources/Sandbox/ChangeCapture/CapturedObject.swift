import ChangeEvents

/// An object with its compiled event schema. Made when the sandbox opens, immutable, shared.
struct CapturedObject: Sendable {
    let object: ObjectDefinition
    let schema: EventSchema
    /// Fields that change events carry, by flat name, in the order of the schema.
    let capturedNames: [String]
    /// Texts that may go out as a difference: long and rich text areas.
    let largeTextNames: Set<String>
    /// How bitmaps call them: `BillingStreet` → `BillingAddress.Street`.
    private let bitmapNames: [String: String]

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
        var names: [String] = []
        var bitmapNames: [String: String] = [:]
        for field in schema.fields.dropFirst() {
            if field.components.isEmpty {
                names.append(field.name)
                bitmapNames[field.name] = field.name
            } else {
                for (component, flat) in zip(field.components, field.flatNames) {
                    names.append(flat)
                    bitmapNames[flat] = field.name + "." + component
                }
                // A name that may be one text stands for itself as well.
                for own in field.flatNames.dropFirst(field.components.count) {
                    names.append(own)
                    bitmapNames[own] = own
                }
            }
        }
        capturedNames = names
        largeTextNames = Set(
            object.fields.filter { ($0.eventDoc ?? $0.kind.eventDoc).hasSuffix("Clob") }.map(\.name))
        self.bitmapNames = bitmapNames
    }

    func bitmap(of flatNames: [String]) throws -> [String] {
        try schema.bitmap(ofNames: flatNames.compactMap { bitmapNames[$0] })
    }

    func expandedNames(of flatNames: [String]) -> [String] { flatNames.compactMap { bitmapNames[$0] } }
}
