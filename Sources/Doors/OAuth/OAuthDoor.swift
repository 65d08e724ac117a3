internal import Foundation
internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// The OAuth 2.0 endpoints of an org: token, introspection, revocation, user info, identity, discovery and keys. The
/// authorization endpoint with its login page is in `OAuthDoor+Authorization.swift`.
///
/// It reads the form and writes the answer; which grants there are and whom they let in is the org's. Errors have OAuth's
/// own form, not the REST API's. Nothing of a request is logged: it holds secrets.
public struct OAuthDoor: HTTPRoutes {
    /// An assertion with a certificate chain is a few kilobytes.
    private static let formBytesMax = 64 << 10

    let service: any OAuthService

    public init(service: any OAuthService) {
        self.service = service
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.post("/services/oauth2/token") { request, _ in try await token(request) }
        router.post("/services/oauth2/introspect") { request, _ in try await introspect(request) }
        router.post("/services/oauth2/revoke") { request, _ in try await revoke(request) }
        router.get("/services/oauth2/revoke") { request, _ in try await revoke(request) }
        router.get("/services/oauth2/userinfo") { request, _ in await userInfo(request) }
        router.post("/services/oauth2/userinfo") { request, _ in await userInfo(request) }
        router.get("/services/oauth2/authorize") { request, _ in try await authorizationPage(request) }
        router.post("/services/oauth2/authorize") { request, _ in try await authorization(request) }
        router.get("/.well-known/openid-configuration") { request, _ in
            Self.response(status: .ok, service.discovery(authority: Self.authority(of: request)))
        }
        router.get("/id/keys") { _, _ in await keys() }
        router.get("/id/:organization/:user") { request, context in
            await identity(
                request, context.parameters.get("organization") ?? "", context.parameters.get("user") ?? "")
        }
    }

    private func token(_ request: Request) async throws -> Response {
        do {
            let answer = try await service.token(try await oauthRequest(request))
            var members: [JSONValue.Member] = [
                .init(name: "access_token", value: .string(answer.accessToken)),
                .init(name: "signature", value: .string(answer.signature)),
                .init(name: "scope", value: .string(answer.scope)),
                .init(name: "instance_url", value: .string(answer.instanceURL)),
                .init(name: "id", value: .string(answer.identityURL)),
                .init(name: "token_type", value: .string("Bearer")),
                .init(name: "issued_at", value: .string(String(answer.issuedAt))),
            ]
            if let token = answer.refreshToken {
                members.insert(.init(name: "refresh_token", value: .string(token)), at: 1)
            }
            if let token = answer.idToken { members.append(.init(name: "id_token", value: .string(token))) }
            return Self.response(status: .ok, .object(members))
        } catch let error as OAuthError {
            return Self.response(error)
        }
    }

    private func introspect(_ request: Request) async throws -> Response {
        do {
            return Self.response(status: .ok, try await service.introspect(try await oauthRequest(request)))
        } catch let error as OAuthError {
            return Self.response(error)
        }
    }

    /// With the token in a form, or, as old clients have it, in the query.
    private func revoke(_ request: Request) async throws -> Response {
        do {
            let parameters =
                request.method == .get ? try Self.query(of: request) : try await form(of: request)
            guard let token = parameters["token"], !token.isEmpty else {
                throw OAuthError(error: "invalid_request", description: "missing required token parameter")
            }
            try await service.revoke(token: token)
            return Response(status: .ok, headers: [.cacheControl: "no-store"])
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
            return Self.response(status: .ok, try await service.userInfo(accessToken: token))
        } catch {
            return Self.response(error)
        }
    }

    /// The identity URL answers errors in one word of plain text.
    private func identity(_ request: Request, _ organization: String, _ user: String) async -> Response {
        let query = FormDecoding.parameters(request.uri.query ?? "") ?? []
        let token =
            RESTRequest.accessToken(in: request.headers)
            ?? query.first { $0.name == "oauth_token" || $0.name == "access_token" }?.value
        do throws(OAuthError) {
            return Self.response(
                status: .ok,
                try await service.identity(organizationID: organization, userID: user, accessToken: token))
        } catch {
            return Response(
                status: HTTPResponse.Status(code: error.status),
                headers: [.contentType: "text/plain;charset=UTF-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: error.description)))
        }
    }

    private func keys() async -> Response {
        do throws(OAuthError) {
            return Self.response(status: .ok, try await service.keys())
        } catch {
            return Self.response(error)
        }
    }

    private func oauthRequest(_ request: Request) async throws -> OAuthRequest {
        OAuthRequest(
            parameters: try await form(of: request), authority: Self.authority(of: request),
            credentials: try Self.basicCredentials(request.headers[.authorization]))
    }

    /// `Authorization: Basic`, its parts form-encoded as RFC 6749 wants it; nil for no such header.
    static func basicCredentials(_ header: String?) throws(OAuthError) -> (id: String, secret: String)? {
        guard let header, header.lowercased().hasPrefix("basic ") else { return nil }
        guard let bytes = Data(base64Encoded: String(header.dropFirst(6).filter { $0 != " " })),
            let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":"),
            let id = FormDecoding.decode(text[..<colon], plusIsSpace: true),
            let secret = FormDecoding.decode(text[text.index(after: colon)...], plusIsSpace: true)
        else { throw OAuthError(error: "invalid_client", description: "invalid client credentials") }
        return (id, secret)
    }

    func form(of request: Request) async throws -> [String: String] {
        let type = request.headers[.contentType]?.lowercased() ?? ""
        guard type.split(separator: ";").first?.filter({ $0 != " " }) == "application/x-www-form-urlencoded" else {
            throw OAuthError(
                error: "invalid_request",
                description: "the parameters must be sent as application/x-www-form-urlencoded")
        }
        let body = try await request.body.collect(upTo: Self.formBytesMax)
        guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
            throw OAuthError(error: "invalid_request", description: "the form is not valid")
        }
        return try Self.parameters(text)
    }

    static func query(of request: Request) throws(OAuthError) -> [String: String] {
        try parameters(request.uri.query ?? "")
    }

    private static func parameters(_ text: String) throws(OAuthError) -> [String: String] {
        guard let parameters = FormDecoding.parameters(text) else {
            throw OAuthError(error: "invalid_request", description: "the form is not valid")
        }
        var form: [String: String] = [:]
        for (name, value) in parameters {
            guard form.updateValue(value, forKey: name) == nil else {
                throw OAuthError(error: "invalid_request", description: "the parameter \(name) is given twice")
            }
        }
        return form
    }

    /// `login.salesforce.com:8443`, in lower case.
    static func authority(of request: Request) -> String { (request.head.authority ?? "").lowercased() }

    static func response(_ error: OAuthError) -> Response {
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
