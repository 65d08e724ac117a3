internal import Hummingbird

/// `/sobjects/X` and `/sobjects/X/{id}`: one call of the REST door on records.
struct SObjectResources {
    let org: any OrgService
    let call: RESTRequest
    let context: CallContext

    /// Create, or basic information.
    func object(_ object: String, body: RequestBody) async throws -> RESTDoor.Answer {
        try RESTDoor.allow(["GET", "POST"], call)
        guard call.method == "POST" else {
            let description = try await org.describe(object: object, context: context)
            return RESTDoor.Answer(document: Self.basicInformation(of: description))
        }
        let fields = try await fields(of: body)
        let id = try await org.create(object: object, fields: fields, context: context)
        let document = JSONValue.object([
            .init(name: "id", value: .string(id)), .init(name: "success", value: .boolean(true)),
            .init(name: "errors", value: .array([])),
        ])
        let location = "/services/data/v\(context.apiVersion)/sobjects/\(object)/\(id)"
        return RESTDoor.Answer(status: .created, document: document, location: location)
    }

    /// Read, update or delete one record.
    func record(_ id: String, of object: String, body: RequestBody) async throws -> RESTDoor.Answer {
        try RESTDoor.allow(["GET", "PATCH", "DELETE"], call)
        switch call.method {
        case "PATCH":
            let fields = try await fields(of: body)
            if fields.contains(where: { $0.name.lowercased() == "id" }) {
                throw OrgError(
                    status: 400, errorCode: "INVALID_FIELD",
                    message: "The Id field should not be specified in the sobject data.", fields: ["Id"])
            }
            try await org.update(object: object, id: id, fields: fields, context: context)
            return RESTDoor.Answer(status: .noContent)
        case "DELETE":
            try await org.delete(object: object, id: id, context: context)
            return RESTDoor.Answer(status: .noContent)
        default:
            let names = call.parameter("fields").map { list in
                list.split(separator: ",").map { name in String(name.filter { $0 != " " }) }.filter { !$0.isEmpty }
            }
            let document = try await org.retrieve(object: object, id: id, fields: names, context: context)
            return RESTDoor.Answer(document: document)
        }
    }

    /// The members of the body's object; `attributes`, which clients send back as they got it, says nothing about values.
    private func fields(of body: RequestBody) async throws -> [JSONValue.Member] {
        guard call.hasJSONBody else {
            throw OrgError(
                status: 415, errorCode: "UNSUPPORTED_MEDIA_TYPE",
                message: "Content-Type \(call.headers[.contentType] ?? "(none)") is not supported for this request. "
                    + "Supported is application/json.")
        }
        let bytes = try await body.collect(upTo: RESTDoor.bodyBytesMax)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(bytes.readableBytesView)
        } catch {
            throw OrgError(status: 400, errorCode: "JSON_PARSER_ERROR", message: error.description)
        }
        guard case .object(let members) = document else {
            throw OrgError(
                status: 400, errorCode: "JSON_PARSER_ERROR",
                message: "The body must be an object that holds the record's fields at [line:1, column:1]")
        }
        return members.filter { $0.name != "attributes" }
    }

    /// A description without what only the full one holds.
    private static func basicInformation(of description: JSONValue) -> JSONValue {
        let onlyInFullDescription: Set<String> = [
            "fields", "childRelationships", "recordTypeInfos", "actionOverrides", "namedLayoutInfos", "supportedScopes",
            "listviewable", "lookupLayoutable", "networkScopeFieldName", "searchLayoutable", "compactLayoutable",
            "defaultImplementation", "extendedBy", "extendsInterfaces", "implementedBy", "implementsInterfaces",
            "sobjectDescribeOption",
        ]
        var summary = description
        if case .object(let members) = description {
            summary = .object(members.filter { !onlyInFullDescription.contains($0.name) })
        }
        return .object([
            .init(name: "objectDescribe", value: summary), .init(name: "recentItems", value: .array([])),
        ])
    }
}
