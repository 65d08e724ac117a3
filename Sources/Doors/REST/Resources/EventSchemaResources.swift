/// What the REST door needs of the org for event schemas.
public protocol EventSchemaService: Sendable {
    /// The text that GetSchema answers; throws 404 for an id that nobody knows.
    func eventSchema(id: String, context: CallContext) async throws(OrgError) -> String
    /// Of an event as it is now: `AccountChangeEvent`, `Order_Event__e`.
    func eventSchema(event: String, context: CallContext) async throws(OrgError) -> String
}

/// Event schemas over REST: by id, and by the event's name.
///
/// `payloadFormat=COMPACT` is the schema as GetSchema has it; EXPANDED, the default, wraps the payload the way CometD
/// shows it.
struct EventSchemaResources: RESTFamily {
    let schemas: any EventSchemaService

    func add(to routes: inout RESTRoutes) {
        let schemas = self.schemas
        routes.service("GET", "event/eventSchema/{id}") { call in
            let text = try await schemas.eventSchema(id: call["id"], context: call.context)
            return RESTAnswer(try Self.document(text, call))
        }
        routes.service("GET", "sobjects/{object}/eventSchema") { call in
            let text = try await schemas.eventSchema(event: call["object"], context: call.context)
            return RESTAnswer(try Self.document(text, call))
        }
    }

    private static func document(_ text: String, _ call: RESTCall) throws(OrgError) -> JSONValue {
        let format = call.parameter("payloadFormat")?.uppercased() ?? "EXPANDED"
        let schema: JSONValue
        do throws(JSONError) {
            schema = try JSONParser.parse(text.utf8)
        } catch {
            preconditionFailure("a schema that the org made is no JSON: \(error)")
        }
        switch format {
        case "COMPACT": return schema
        case "EXPANDED": return expanded(schema)
        default:
            throw OrgError.badRequest(
                "INVALID_INPUT", "payloadFormat must be EXPANDED or COMPACT, not \(format)", fields: ["payloadFormat"])
        }
    }

    /// The record around the payload: its schema, the payload with dates as texts, and the event.
    private static func expanded(_ schema: JSONValue) -> JSONValue {
        guard let root = JSONObject(schema) else { return schema }
        let isChange = root.text("name")?.hasSuffix("ChangeEvent") == true
        let payload = JSONValue.members(
            ("type", .string("record")), ("name", .string("Payload")), ("doc", .string("")),
            ("fields", .array((root.array("fields") ?? []).map(shown))))
        var event: [JSONValue] = [.members(("name", .string("replayId")), ("type", .string("long")))]
        if !isChange { event.append(.members(("name", .string("EventUuid")), ("type", .string("string")))) }
        let data = JSONValue.members(
            ("type", .string("record")), ("name", .string("Data")), ("namespace", .string("")),
            (
                "fields",
                .array([
                    .members(("name", .string("schema")), ("type", .string("string"))),
                    .members(("name", .string("payload")), ("type", payload)),
                    .members(
                        ("name", .string("event")),
                        (
                            "type",
                            .members(
                                ("type", .string("record")), ("name", .string("Event")), ("fields", .array(event)))
                        )),
                ])
            ))
        var members: [JSONValue.Member] = [
            .init(name: "name", value: root["name"] ?? .null),
            .init(name: "namespace", value: root["namespace"] ?? .null),
            .init(name: "type", value: .string("expanded-record")),
            .init(
                name: "fields",
                value: .array([
                    .members(("name", .string("data")), ("type", data)),
                    .members(("name", .string("channel")), ("type", .string("string"))),
                ])),
        ]
        if let id = root["uuid"] { members.append(.init(name: "uuid", value: id)) }
        return .object(members)
    }

    /// CometD shows dates and times as texts.
    private static func shown(_ field: JSONValue) -> JSONValue {
        guard case .object(let members) = field, let doc = JSONObject(field)?.text("doc"),
            ["DateTime", "DateOnly", "TimeOnly"].contains(where: { doc.contains($0) })
        else { return field }
        return .object(
            members.map { member in
                member.name == "type" ? .init(name: member.name, value: asText(member.value)) : member
            })
    }

    private static func asText(_ type: JSONValue) -> JSONValue {
        switch type {
        case .string("long"): .string("string")
        case .array(let branches): .array(branches.map(asText))
        default: type
        }
    }
}
