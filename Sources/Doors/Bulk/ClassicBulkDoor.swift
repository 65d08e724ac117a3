internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// Bulk API 1.0 on a `BulkService`: `/services/async/XX.X/job` and what is below it, in XML and JSON.
///
/// Its session stands in `X-SFDC-Session`, its errors are `exceptionCode` and `exceptionMessage` with status 400, also for a
/// session that is over: its clients look for that.
public struct ClassicBulkDoor: HTTPRoutes {
    let org: any OrgService
    let bulk: any BulkService

    public init(org: any OrgService & BulkService) {
        self.org = org
        bulk = org
    }

    public func add(to router: Router<BasicRequestContext>) {
        for method in [HTTPRequest.Method.get, .post, .patch, .delete, .put] {
            router.on("/services/async/**", method: method) { request, _ in try await respond(to: request) }
        }
    }

    private func respond(to request: Request) async throws -> Response {
        let path = request.uri.path.split(separator: "/").dropFirst(2).map(String.init)
        let version = path.first ?? ""
        var note = APICall(
            family: .bulk, resource: "/v\(version)/" + path.dropFirst().joined(separator: "/"),
            method: request.method.rawValue, version: version, status: 500, session: nil,
            clientName: RESTRequest.clientName(in: request.headers), countsAgainstLimit: false)
        // Also of a call that comes to no answer: a client that went away in the middle.
        defer { org.record(note) }
        var prefersJSON = Self.isJSON(request.headers[.contentType]) || Self.isJSON(request.headers[.accept])
        var response: Response
        do {
            guard APIVersion(pathElement: "v\(version)").map({ !$0.isRetired }) ?? false, path.count >= 2 else {
                throw Self.badURL(request)
            }
            let session = try await session(request)
            note.session = session
            _ = try await org.countCall(session, requestID: note.requestID)
            note.countsAgainstLimit = true
            let context = CallContext(session: session, apiVersion: version, clientName: note.clientName)
            var call = ClassicBulkCall(
                bulk: bulk, request: request, path: Array(path.dropFirst()), context: context, prefersJSON: prefersJSON)
            // What it speaks shows while it is answered: a JSON job's refusals are JSON too.
            defer {
                prefersJSON = call.prefersJSON
                note.entity = call.entity
            }
            response = try await call.answer()
        } catch let error as OrgError {
            response = Self.response(error, asJSON: prefersJSON)
        } catch is NIOTooManyBytesError {
            response = Self.response(Self.tooLarge, asJSON: prefersJSON)
        }
        note.status = response.status.code
        return response
    }

    private func session(_ request: Request) async throws(OrgError) -> OrgSession {
        let token = Self.sessionHeader.flatMap { request.headers[$0] } ?? RESTRequest.accessToken(in: request.headers)
        do throws(OrgError) {
            guard let token else { throw OrgError.noSession }
            return try await org.session(accessToken: token)
        } catch {
            // An org that cannot answer now has not judged the session.
            guard error.status == 401 else { throw error }
            throw OrgError(status: 400, errorCode: "InvalidSessionId", message: "Invalid session id")
        }
    }

    private static let sessionHeader = HTTPField.Name("X-SFDC-Session")

    static func isJSON(_ type: String?) -> Bool { type?.lowercased().contains("application/json") ?? false }

    private static let tooLarge = OrgError(
        status: 413, errorCode: "ClientInputError", message: "The request's body is longer than this resource takes.")

    static func badURL(_ request: Request) -> OrgError {
        OrgError(
            status: 400, errorCode: "InvalidUrl",
            message: "Destination URL not reset. The URL is invalid: \(request.uri.path)")
    }

    private static func response(_ error: OrgError, asJSON: Bool) -> Response {
        // Everything that the caller did wrong is 400 here; what a limit forbids stays what it is.
        let status = HTTPResponse.Status(code: error.status == 404 ? 400 : error.status)
        guard asJSON else { return ClassicBulkCall.xml(BulkXML.error(error), status: status) }
        return ClassicBulkCall.json(
            .members(("exceptionCode", .string(error.errorCode)), ("exceptionMessage", .string(error.message))),
            status: status)
    }
}
