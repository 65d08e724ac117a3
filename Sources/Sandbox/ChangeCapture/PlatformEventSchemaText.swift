import ChangeEvents
import Doors

/// Writes the Avro schema of a platform event, as GetSchema of an org answers it: two fields that the publisher must
/// fill, then its own.
struct PlatformEventSchemaText {
    let event: ObjectDefinition

    /// `id` nil: without `uuid`, for computing the id (which `uuid` does not enter).
    func json(id: String?) -> String {
        let fields = event.fields.filter(\.isCaptured).map { field -> JSONValue in
            let type = JSONValue.string(field.kind.avroType ?? "string")
            let doc = (field.eventDoc ?? field.kind.eventDoc) + (field.customID.map { ":" + $0 } ?? "")
            let isRequired = ObjectDefinition.publishersFieldNames.contains(field.name)
            var members: [JSONValue.Member] = [
                .init(name: "name", value: .string(field.name)),
                .init(name: "type", value: isRequired ? type : .array([.string("null"), type])),
                .init(name: "doc", value: .string(doc)),
            ]
            if !isRequired { members.append(.init(name: "default", value: .null)) }
            return .object(members)
        }
        var members: [JSONValue.Member] = [
            .init(name: "name", value: .string(event.name)),
            .init(name: "namespace", value: .string(EventSchemaText.namespace)),
            .init(name: "type", value: .string("record")),
            .init(name: "fields", value: .array(fields)),
        ]
        if let id { members.append(.init(name: "uuid", value: .string(id))) }
        return JSONValue.object(members).jsonText
    }

    /// Parsed, with its id in it.
    func compiled() throws(SandboxError) -> EventSchema {
        do {
            let id = try EventSchema(json: json(id: nil)).id
            return try EventSchema(json: json(id: id.string))
        } catch {
            throw SandboxError(
                code: .schema, message: "the event schema of \(event.name) does not parse: \(error.message)",
                cause: error)
        }
    }
}
