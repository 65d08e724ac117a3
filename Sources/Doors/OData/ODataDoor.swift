internal import ChangeEvents
internal import Foundation
internal import HTTPTypes
package import Hummingbird
internal import NIOCore
internal import SOQL

/// A read-only OData 4.0 service, as Salesforce Connect asks it: an entity set per object.
///
/// It speaks HTTP, URLs and JSON; what objects there are, who may ask and where records are kept is the service's. Every
/// request of somebody known is one API call and is noted as the REST door's are.
package struct ODataDoor: HTTPRoutes {
    /// Rows of one answer: what Salesforce Connect takes at most.
    static let pageSizeMax = 2_000
    /// Bytes of one answer, after which it ends and links to the next: an org refuses answers above 8 MB. Counted are names and
    /// texts; numbers, dates and what JSON escapes have the rest.
    static let pageBytesMax = 6 << 20
    /// Bytes of a link to the next page; the HTTP door takes 16,384 of a request's target.
    static let linkBytesMax = 15_000
    /// What the log of calls names as the version.
    private static let version = "4.0"

    private let org: any OrgService
    private let service: any ODataService
    /// `/odata/v4`
    private let path: String
    private let rootSegments: Int

    /// - Parameter path: where the service's root is, without a slash at the end.
    package init(org: any OrgService, service: any ODataService, path: String = "/odata/v4") {
        self.org = org
        self.service = service
        self.path = path
        rootSegments = path.split(separator: "/").count
    }

    package func add(to router: Router<BasicRequestContext>) {
        // All methods come here, so that a write gets OData's answer. HEAD follows from GET.
        for method in [HTTPRequest.Method.get, .post, .patch, .delete, .put] {
            for path in [RouterPath(path), RouterPath("\(path)/**")] {
                router.on(path, method: method) { request, _ in try await respond(to: request) }
            }
        }
    }

    private func respond(to request: Request) async throws -> Response {
        var note = APICall(
            family: .odata, resource: String(request.uri.path), method: request.method.rawValue, version: Self.version,
            status: 500, session: nil, countsAgainstLimit: false)
        defer { org.record(note) }
        var headers: HTTPFields = [:]
        var answer: ODataAnswer
        do {
            answer = try await self.answer(request, &note, &headers)
        } catch let error as ODataError {
            answer = ODataAnswer(error)
        } catch let error as OrgError {
            answer = ODataAnswer(ODataError(error))
        }
        note.status = answer.status
        for field in headers { answer.headers[field.name] = field.value }
        return answer.response(takesGzip: Gzip.isTaken(request.headers[.acceptEncoding]))
    }

    private func answer(
        _ request: Request, _ note: inout APICall, _ headers: inout HTTPFields
    ) async throws -> ODataAnswer {
        let session = try await session(of: request.headers)
        note.session = session
        headers.set("Sforce-Limit-Info", try await org.countCall(session, requestID: note.requestID))
        headers.set("X-Request-Id", note.requestID)
        note.countsAgainstLimit = true
        let resource = try ODataPath(request.uri.path, rootSegments: rootSegments)
        switch resource {
        case .set(let name), .count(let name), .entity(let name, _): note.entity = ODataPath.quoted(name)
        case .serviceDocument, .metadata: break
        }
        guard request.method == .get || request.method == .head else {
            throw ODataError(
                405, "MethodNotAllowed", "This service is read only: \(request.method.rawValue) is not allowed.",
                allowed: "GET,HEAD")
        }
        try Self.check(request.headers)
        let context = CallContext(session: session, apiVersion: Self.version, clientName: nil, api: "odata")
        let call = ODataCall(
            service: service, context: context, root: Self.root(of: request, path),
            query: request.uri.query.map { String($0) } ?? "", headers: request.headers)
        return try await call.answer(resource)
    }

    // MARK: Who asks

    /// A session's token as for REST, or a user name and password with every request.
    private func session(of headers: HTTPFields) async throws -> OrgSession {
        if let token = RESTRequest.accessToken(in: headers) { return try await org.session(accessToken: token) }
        guard let value = headers[.authorization], value.lowercased().hasPrefix("basic "),
            let bytes = Data(base64Encoded: value.dropFirst("basic ".count).filter { $0 != " " }),
            let credentials = String(data: bytes, encoding: .utf8), let colon = credentials.firstIndex(of: ":")
        else {
            throw ODataError(
                401, "Unauthorized", "A session's token (Bearer) or a user name and password (Basic) is needed.")
        }
        return try await service.session(
            username: String(credentials[..<colon]), password: String(credentials[credentials.index(after: colon)...]))
    }

    private static func check(_ headers: HTTPFields) throws(ODataError) {
        if let name = HTTPField.Name("OData-Isolation"), headers[name] != nil {
            // Who does not support it must refuse it (Part 1, "Header OData-Isolation"): a page is of one state of the records, but
            // the next is of another.
            throw ODataError(412, "PreconditionFailed", "OData-Isolation is not supported.")
        }
        guard let name = HTTPField.Name("OData-MaxVersion"), let value = headers[name],
            let version = Double(value.prefix { $0 != ";" }), version < 4
        else { return }
        throw ODataError(400, "UnsupportedVersion", "This service speaks OData 4.0, not \(ODataPath.quoted(value)).")
    }

    /// The address that the client knows the service by: a proxy that ends TLS says in its headers what it was.
    private static func root(of request: Request, _ path: String) -> String {
        let forwarded = { (name: String) -> String? in
            HTTPField.Name(name).flatMap { request.headers[$0] }.map { String($0.prefix { $0 != "," }) }
                .flatMap { $0.isEmpty ? nil : $0 }
        }
        let scheme = forwarded("X-Forwarded-Proto").flatMap { ["http", "https"].contains($0) ? $0 : nil }
        let authority = forwarded("X-Forwarded-Host") ?? request.head.authority ?? ""
        return "\(scheme ?? request.head.scheme ?? "http")://\(authority)\(path)/"
    }
}

extension HTTPFields {
    fileprivate mutating func set(_ name: String, _ value: String) {
        if let name = HTTPField.Name(name) { self[name] = value }
    }
}
