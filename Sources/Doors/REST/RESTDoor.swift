internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// Salesforce's REST API on an `OrgService`: versions, resources, sObject records and their description.
///
/// It speaks HTTP and JSON; what a record is, which fields it has and who may see it is the org's. Every answer but the list
/// of versions is one API call and says so in `Sforce-Limit-Info`; every error is Salesforce's array.
public struct RESTDoor: HTTPRoutes {
    /// The largest body of a request for one record.
    static let bodyBytesMax = 8 << 20
    static let limitInfo = HTTPField.Name("Sforce-Limit-Info")

    let org: any OrgService

    public init(org: any OrgService) {
        self.org = org
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
        guard let call = RESTRequest(request) else {
            return answer(
                OrgError(
                    status: 400, errorCode: "URL_NOT_DECODABLE", message: "The URL holds an escape that is not UTF-8."),
                pretty: false, limitInfo: nil)
        }
        let pretty = call.wantsPrettyPrint
        var limitInfo: String?
        do {
            guard let versionElement = call.elements.first else { return try versions(call, pretty: pretty) }
            guard let version = APIVersion(pathElement: versionElement) else { throw Self.notFound }
            if version.isRetired { throw Self.retired(version) }
            guard let token = call.accessToken else { throw Self.noSession }
            let session = try await org.session(accessToken: token)
            limitInfo = try await org.countCall(session)
            let context = CallContext(session: session, apiVersion: version.text, clientName: call.clientName)
            let resource = Array(call.elements.dropFirst())
            let answer = try await answer(to: call, resource: resource, request: request, context: context)
            return response(answer, pretty: pretty, limitInfo: limitInfo)
        } catch let error as OrgError {
            return answer(error, pretty: pretty, limitInfo: limitInfo)
        }
    }

    /// What a resource answers: a status, perhaps a document, and where a new record is.
    struct Answer {
        var status: HTTPResponse.Status = .ok
        var document: JSONValue?
        var location: String?
    }

    private func answer(
        to call: RESTRequest, resource: [String], request: Request, context: CallContext
    ) async throws -> Answer {
        let records = SObjectResources(org: org, call: call, context: context)
        switch (resource.count, resource.first) {
        case (0, _):
            try Self.allow(["GET"], call)
            return Answer(document: Self.resources(of: context.apiVersion))
        case (1, "sobjects"):
            try Self.allow(["GET"], call)
            return Answer(document: try await org.describeGlobal(context: context))
        case (2, "sobjects"):
            return try await records.object(resource[1], body: request.body)
        case (3, "sobjects") where resource[2] == "describe":
            try Self.allow(["GET"], call)
            return Answer(document: try await org.describe(object: resource[1], context: context))
        case (3, "sobjects"):
            return try await records.record(resource[2], of: resource[1], body: request.body)
        default:
            throw Self.notFound
        }
    }

    private func versions(_ call: RESTRequest, pretty: Bool) throws(OrgError) -> Response {
        try Self.allow(["GET"], call)
        let versions = APIVersion.served.map { version in
            JSONValue.object([
                .init(name: "label", value: .string(version.label)),
                .init(name: "url", value: .string("/services/data/v\(version.text)")),
                .init(name: "version", value: .string(version.text)),
            ])
        }
        return response(Answer(document: .array(versions)), pretty: pretty, limitInfo: nil)
    }

    private static func resources(of version: String) -> JSONValue {
        .object([.init(name: "sobjects", value: .string("/services/data/v\(version)/sobjects"))])
    }

    private func response(_ answer: Answer, pretty: Bool, limitInfo: String?) -> Response {
        var headers: HTTPFields = [.cacheControl: "no-cache,must-revalidate,max-age=0,no-store,private"]
        if let name = Self.limitInfo, let limitInfo { headers[name] = limitInfo }
        if let location = answer.location { headers[.location] = location }
        guard let document = answer.document else { return Response(status: answer.status, headers: headers) }
        headers[.contentType] = ErrorBody.contentType
        var buffer = ByteBuffer()
        JSONWriter.write(document, pretty: pretty, into: &buffer)
        return Response(status: answer.status, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    private func answer(_ error: OrgError, pretty: Bool, limitInfo: String?) -> Response {
        let document = ErrorBody.value([
            .init(errorCode: error.errorCode, message: error.message, fields: error.fields)
        ])
        let status = HTTPResponse.Status(code: error.status)
        var response = response(Answer(status: status, document: document), pretty: pretty, limitInfo: limitInfo)
        if error.status == 401 { response.headers[.wwwAuthenticate] = "Token" }
        return response
    }
}

extension RESTDoor {
    static let notFound = OrgError(
        status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist")
    static let noSession = OrgError(
        status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid")

    static func retired(_ version: APIVersion) -> OrgError {
        OrgError(
            status: 410, errorCode: "UNSUPPORTED_API_VERSION",
            message: "API version \(version.text) is retired and no longer served. Use \(APIVersion.oldest).0 to "
                + "\(APIVersion.newest).0.")
    }

    static func allow(_ methods: [String], _ call: RESTRequest) throws(OrgError) {
        let allowed = methods.contains("GET") ? methods + ["HEAD"] : methods
        guard !allowed.contains(call.method) else { return }
        throw OrgError(
            status: 405, errorCode: "METHOD_NOT_ALLOWED",
            message: "HTTP Method '\(call.method)' not allowed. Allowed are \(allowed.sorted().joined(separator: ","))")
    }
}
