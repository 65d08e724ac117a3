internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// The OAuth 2.0 endpoints of an org: `POST /services/oauth2/token` and `/services/oauth2/userinfo`.
///
/// It reads the form and writes the answer; which grants there are and whom they let in is the org's. Errors have OAuth's
/// own form, not the REST API's. Nothing of a request is logged: it holds secrets.
public struct OAuthDoor: HTTPRoutes {
    /// An assertion with a certificate chain is a few kilobytes.
    private static let formBytesMax = 64 << 10

    private let org: any OrgService

    public init(org: any OrgService) {
        self.org = org
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.post("/services/oauth2/token") { request, _ in try await token(request) }
        router.get("/services/oauth2/userinfo") { request, _ in await userInfo(request) }
        router.post("/services/oauth2/userinfo") { request, _ in await userInfo(request) }
    }

    private func token(_ request: Request) async throws -> Response {
        do {
            let parameters = try await form(of: request)
            let host = Self.host(of: request)
            let answer = try await org.token(parameters: parameters, host: host)
            return Self.response(
                status: .ok,
                .object([
                    .init(name: "access_token", value: .string(answer.accessToken)),
                    .init(name: "signature", value: .string(answer.signature)),
                    .init(name: "scope", value: .string(answer.scope)),
                    .init(name: "instance_url", value: .string(answer.instanceURL)),
                    .init(name: "id", value: .string(answer.identityURL)),
                    .init(name: "token_type", value: .string("Bearer")),
                    .init(name: "issued_at", value: .string(String(answer.issuedAt))),
                ]))
        } catch let error as OAuthError {
            return Self.response(error)
        }
    }

    private func userInfo(_ request: Request) async -> Response {
        guard let token = RESTRequest.accessToken(in: request.headers) else {
            return Self.response(
                OAuthError(status: 401, error: "invalid_request", description: "Authorization: Bearer is missing"))
        }
        do throws(OAuthError) {
            return Self.response(status: .ok, try await org.userInfo(accessToken: token))
        } catch {
            return Self.response(error)
        }
    }

    private func form(of request: Request) async throws -> [String: String] {
        let type = request.headers[.contentType]?.lowercased() ?? ""
        guard type.split(separator: ";").first?.filter({ $0 != " " }) == "application/x-www-form-urlencoded" else {
            throw OAuthError(
                error: "invalid_request",
                description: "the parameters must be sent as application/x-www-form-urlencoded")
        }
        let body = try await request.body.collect(upTo: Self.formBytesMax)
        guard let text = String(validating: body.readableBytesView, as: UTF8.self),
            let parameters = FormDecoding.parameters(text)
        else { throw OAuthError(error: "invalid_request", description: "the form is not valid") }
        var form: [String: String] = [:]
        for (name, value) in parameters {
            guard form.updateValue(value, forKey: name) == nil else {
                throw OAuthError(error: "invalid_request", description: "the parameter \(name) is given twice")
            }
        }
        return form
    }

    /// `login.salesforce.com`, without the port, in lower case; a bracketed address stays bracketed.
    private static func host(of request: Request) -> String {
        let authority = (request.head.authority ?? "").lowercased()
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }

    private static func response(_ error: OAuthError) -> Response {
        response(
            status: HTTPResponse.Status(code: error.status),
            .object([
                .init(name: "error", value: .string(error.error)),
                .init(name: "error_description", value: .string(error.description)),
            ]))
    }

    private static func response(status: HTTPResponse.Status, _ document: JSONValue) -> Response {
        var buffer = ByteBuffer()
        JSONWriter.write(document, into: &buffer)
        return Response(
            status: status, headers: [.contentType: ErrorBody.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer))
    }
}
