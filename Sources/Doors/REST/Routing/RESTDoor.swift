internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// Salesforce's REST API: versions, resources, and what every call has in common.
///
/// It speaks HTTP and JSON; what a record is, which fields it has and who may see it is the org's. Every answer but the list
/// of versions is one API call, says so in `Sforce-Limit-Info` and is noted for the event log file; every error is
/// Salesforce's array.
public struct RESTDoor: HTTPRoutes {
    private let org: any OrgService
    private let dispatcher: RESTDispatcher

    /// - Parameter families: resources beside those of this door, of other APIs below the same path.
    init(org: any OrgService, records: any RecordService, families: [any RESTFamily]) {
        self.org = org
        var routes = RESTRoutes()
        for family in Self.families(org) + families { family.add(to: &routes) }
        dispatcher = RESTDispatcher(records: records, routes: routes)
    }

    /// - Parameters:
    ///   - tooling: what serves the Tooling API; nil: there is none.
    ///   - schemas: what knows event schemas; nil: nothing does.
    ///   - bulk: what works on bulk jobs; nil: without Bulk API 2.0.
    ///   - streaming: what pushes to generic channels; nil: there are none.
    public init(
        org: any OrgService & RecordService, tooling: (any ToolingService)? = nil,
        schemas: (any EventSchemaService)? = nil, bulk: (any BulkService)? = nil,
        streaming: (any StreamingService)? = nil
    ) {
        var families: [any RESTFamily] = []
        if let tooling { families.append(ToolingResources(tooling: tooling)) }
        if let schemas { families.append(EventSchemaResources(schemas: schemas)) }
        if let bulk { families += [BulkIngestResources(bulk: bulk), BulkQueryResources(bulk: bulk)] }
        if let streaming { families.append(StreamingResources(service: streaming)) }
        self.init(org: org, records: org, families: families)
    }

    private static func families(_ org: any OrgService) -> [any RESTFamily] {
        [
            RecordResources(), ExternalIDResources(), DescribeResources(), ReplicationResources(), QueryResources(),
            SearchResources(), LimitResources(org: org),
            CompositeResources(), GraphResources(), BatchResources(), CollectionResources(), TreeResources(),
        ]
    }

    public func add(to router: Router<BasicRequestContext>) {
        // All methods come here, so that a wrong one gets Salesforce's answer. HEAD follows from GET.
        for method in [HTTPRequest.Method.get, .post, .patch, .delete, .put] {
            for path: RouterPath in ["/services/data", "/services/data/**"] {
                router.on(path, method: method) { request, _ in try await respond(to: request) }
            }
        }
    }

    private func respond(to request: Request) async throws -> Response {
        guard let parts = RESTRequest(request) else {
            let error = OrgError.badRequest("URL_NOT_DECODABLE", "The URL holds an escape that is not UTF-8.")
            return Self.response(RESTAnswer(error), pretty: false)
        }
        let pretty = parts.wantsPrettyPrint
        guard let versionElement = parts.target.elements.first else {
            return Self.response(Self.versions(parts.method), pretty: pretty)
        }
        guard let version = APIVersion(pathElement: versionElement) else {
            return Self.response(RESTAnswer(OrgError.notFound), pretty: pretty)
        }
        let path = Array(parts.target.elements.dropFirst())
        var note = APICall(
            family: .rest, resource: "/v\(version.text)/" + path.joined(separator: "/"), method: parts.method,
            version: version.text, status: 500, session: nil, clientName: parts.clientName, countsAgainstLimit: false)
        // Also of a call that comes to no answer: a client that went away in the middle.
        defer { org.record(note) }
        var answer = try await answer(parts, path, version: version, request: request, noting: &note)
        note.status = answer.status.code
        answer.set("X-Request-Id", note.requestID)
        if version.isDeprecated { answer.set("Warning", version.warning) }
        return answer.response(pretty: pretty, takesGzip: Gzip.isTaken(parts.headers[.acceptEncoding]))
    }

    private func answer(
        _ parts: RESTRequest, _ path: [String], version: APIVersion, request: Request, noting note: inout APICall
    ) async throws -> RESTAnswer {
        let method = parts.method == "HEAD" ? "GET" : parts.method
        var limitInfo: String?
        var answer: RESTAnswer
        do {
            if version.isRetired { throw OrgError.retired(version) }
            guard let token = parts.accessToken else { throw OrgError.noSession }
            let session = try await org.session(accessToken: token)
            note.session = session
            limitInfo = try await org.countCall(session, requestID: note.requestID)
            note.countsAgainstLimit = true
            let call = RESTCall(
                method: method, path: path, query: parts.target.query, headers: parts.headers,
                context: CallContext(session: session, apiVersion: version.text, clientName: parts.clientName),
                dispatcher: dispatcher, request: request)
            let match = dispatcher.routes.match(method, path)
            if case .route(let route, let captured) = match {
                note.family = route.family
                note.entity = captured.first { $0.name == "object" }?.value ?? ""
            }
            answer = path.isEmpty ? try resources(call) : try await dispatcher.answer(call, match)
        } catch let error as OrgError {
            answer = RESTAnswer(error)
        }
        if let limitInfo { answer.set("Sforce-Limit-Info", limitInfo) }
        return answer
    }

    private static func versions(_ method: String) -> RESTAnswer {
        guard method == "GET" || method == "HEAD" else {
            var answer = RESTAnswer(OrgError.methodNotAllowed(method, allowed: ["GET", "HEAD"]))
            answer.headers[.allow] = "GET,HEAD"
            return answer
        }
        return RESTAnswer(
            .array(
                APIVersion.served.map { version in
                    .members(
                        ("label", .string(version.label)), ("url", .string("/services/data/v\(version.text)")),
                        ("version", .string(version.text)))
                }))
    }

    /// `GET /services/data/vXX.X`: the names of the resources, and the caller's identity.
    private func resources(_ call: RESTCall) throws(OrgError) -> RESTAnswer {
        guard call.method == "GET" else {
            var answer = RESTAnswer(OrgError.methodNotAllowed(call.method, allowed: ["GET", "HEAD"]))
            answer.headers[.allow] = "GET,HEAD"
            return answer
        }
        var members = dispatcher.routes.names.map { name in
            JSONValue.Member(name: name, value: .string("\(call.root)/\(name)"))
        }
        members.append(.init(name: "identity", value: .string(org.identityURL(of: call.context.session))))
        return RESTAnswer(.object(members))
    }

    private static func response(_ answer: RESTAnswer, pretty: Bool) -> Response {
        answer.response(pretty: pretty, takesGzip: false)
    }
}
