internal import HTTPTypes
internal import Hummingbird

/// One call of a resource below `/services/data/vXX.X/`: a request of its own, or a part of a composite one.
struct RESTCall: Sendable {
    /// `GET`, or what `_HttpMethod` says it is; never `HEAD`.
    var method: String
    /// The elements of the path behind the version, decoded.
    var path: [String]
    var query: [(name: String, value: String)]
    var headers: HTTPFields
    var context: CallContext
    /// For resources whose requests have parts.
    var dispatcher: RESTDispatcher
    /// The body, where there is one and the resource wants JSON.
    var document: JSONValue?
    /// The request itself, for resources that read the body by themselves; nil within a composite request.
    var request: Request?
    /// What the braces of the route's pattern stand for; filled by the table.
    var captured: [(name: String, value: String)] = []

    /// The part of the path that the pattern calls `{name}`.
    subscript(name: String) -> String {
        captured.first { $0.name == name }?.value ?? ""
    }

    func parameter(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The elements of `a, b,c`; nil where the parameter is not given.
    func list(_ name: String) -> [String]? {
        parameter(name).map { $0.split(separator: ",").map { String($0.filter { $0 != " " }) }.filter { !$0.isEmpty } }
    }

    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    /// `Sforce-Mru: updateMru=true`: the records that the call is about become the caller's recent ones.
    var updatesRecent: Bool { header("Sforce-Mru")?.lowercased().filter { $0 != " " } == "updatemru=true" }

    /// `/services/data/v66.0`
    var root: String { "/services/data/v\(context.apiVersion)" }

    /// `/v66.0/sobjects/Account`: how the event log names it.
    var resource: String { "/v\(context.apiVersion)/" + path.joined(separator: "/") }

    /// The members of the body's object; `attributes`, which clients send back as they got it, says nothing about values.
    func fields() throws(OrgError) -> [JSONValue.Member] {
        guard case .object(let members) = document else { throw .bodyIsNoObject }
        return members.filter { $0.name != "attributes" }
    }

    /// The JSON of the request's body, read now: for resources that answer by themselves.
    func readDocument() async throws -> JSONValue {
        guard let request else {
            guard let document else { throw OrgError.bodyIsNoObject }
            return document
        }
        guard RESTRequest.isJSON(headers[.contentType]) else {
            throw OrgError.mediaTypeUnsupported(headers[.contentType])
        }
        return try RESTDispatcher.document(try await request.bytes(upTo: RESTDispatcher.bodyBytesMax))
    }

    /// The body's object.
    func body() throws(OrgError) -> JSONObject {
        guard let object = JSONObject(document) else { throw .bodyIsNoObject }
        return object
    }
}

/// A JSON object whose members are asked for by name.
struct JSONObject {
    let members: [JSONValue.Member]

    init?(_ value: JSONValue?) {
        guard case .object(let members) = value else { return nil }
        self.members = members
    }

    subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    func text(_ name: String) -> String? {
        guard case .string(let text) = self[name] else { return nil }
        return text
    }

    func array(_ name: String) -> [JSONValue]? {
        guard case .array(let values) = self[name] else { return nil }
        return values
    }

    /// A flag; texts count as well. Nil where it is missing or something else.
    func flag(_ name: String) -> Bool? {
        switch self[name] {
        case .boolean(let value): value
        case .string(let text): Self.flag(text)
        default: nil
        }
    }

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// The name of a record's object: `attributes.type`.
    var recordType: String? {
        JSONObject(self["attributes"])?.text("type")
    }
}

extension JSONValue {
    /// An object in a line of code: `.members(("id", .string(id)), …)`.
    static func members(_ members: (String, JSONValue)...) -> JSONValue {
        .object(members.map { Member(name: $0.0, value: $0.1) })
    }
}
