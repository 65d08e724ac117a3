import AsyncHTTPClient
import Foundation
import JWTKit
import NIOCore
import NIOHTTP1

/// One login by the OAuth 2.0 JWT bearer flow: signs an assertion, posts it, reads the answer.
///
/// Keeps nothing between calls and retries nothing; `TokenSource` does. Neither the key, the assertion nor the token
/// ever appears in an error.
struct JWTBearerLogin: Sendable {
    /// Salesforce accepts assertions of 3 to 5 minutes; the shortest leaves the least to a thief.
    static let assertionLifetimeSeconds = 180
    /// A token answer has about 1 KB.
    static let answerBytesMax = 64 * 1024

    let login: OrgConnection.Login
    let key: Insecure.RSA.PrivateKey
    let http: HTTPClient
    let deadline: Duration

    init(login: OrgConnection.Login, http: HTTPClient, deadline: Duration) throws(UpstreamError) {
        self.init(login: login, key: try Self.key(of: login), http: http, deadline: deadline)
    }

    /// With a key that was read before.
    init(login: OrgConnection.Login, key: Insecure.RSA.PrivateKey, http: HTTPClient, deadline: Duration) {
        self.login = login
        self.key = key
        self.http = http
        self.deadline = deadline
    }

    /// Throws `UpstreamError(.configuration)`.
    static func key(of login: OrgConnection.Login) throws(UpstreamError) -> Insecure.RSA.PrivateKey {
        do {
            return try Insecure.RSA.PrivateKey(pem: login.privateKeyPEM)
        } catch {
            // The cause is left out: a parser's complaint may quote what it could not read.
            throw UpstreamError(.configuration, "The private key is not an RSA key in PEM form (PKCS #1 or PKCS #8).")
        }
    }

    /// Throws `UpstreamError` (`loginRefused`, `loginFailed`), or `CancellationError`.
    func session(serial: Int) async throws -> Session {
        var request = HTTPClientRequest(url: Self.tokenURL(login.url))
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "accept", value: "application/json")
        // The alphabet of a JWT needs no escaping.
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        request.body = .bytes(ByteBuffer(string: grant + (try await assertion())))
        let status: Int
        let body: ByteBuffer
        do {
            let response = try await http.execute(request, timeout: TimeAmount(deadline))
            status = Int(response.status.code)
            body = try await response.body.collect(upTo: Self.answerBytesMax)
        } catch {
            try Task.checkCancellation()
            throw UpstreamError(.loginFailed, "The login host cannot be reached: \(error).", cause: error)
        }
        return try Self.session(status: status, body: body, serial: serial)
    }

    static func tokenURL(_ loginURL: String) -> String {
        (loginURL.hasSuffix("/") ? String(loginURL.dropLast()) : loginURL) + "/services/oauth2/token"
    }

    /// Reads an answer. One without a token is never a session, whatever its status.
    static func session(status: Int, body: ByteBuffer, serial: Int) throws(UpstreamError) -> Session {
        let answer: Answer
        do {
            answer = try JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView))
        } catch {
            throw OAuthRefusal.error(status: status, code: nil, description: nil)
        }
        guard status == 200 else {
            throw OAuthRefusal.error(status: status, code: answer.error, description: answer.error_description)
        }
        guard let token = answer.access_token, !token.isEmpty, let instanceURL = answer.instance_url,
            !instanceURL.isEmpty
        else {
            throw UpstreamError(.loginFailed, "The login host's answer has no access token or no instance URL.")
        }
        guard let organizationID = organizationID(identityURL: answer.id, token: token) else {
            throw UpstreamError(.loginFailed, "The login host's answer does not tell the organization id.")
        }
        return Session(accessToken: token, instanceURL: instanceURL, organizationID: organizationID, serial: serial)
    }

    /// The part of the identity URL before the user id (`…/id/<organization>/<user>`); failing that, the token's text
    /// before `!`.
    static func organizationID(identityURL: String?, token: String) -> String? {
        let parts = (identityURL ?? "").split(separator: "/")
        var candidates: [Substring] = []
        if parts.count >= 2 { candidates.append(parts[parts.count - 2]) }
        if let mark = token.firstIndex(of: "!") { candidates.append(token[..<mark]) }
        let id = candidates.first { id in
            (id.count == 15 || id.count == 18) && id.hasPrefix("00D")
                && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        }
        return id.map(String.init)
    }

    private func assertion() async throws(UpstreamError) -> String {
        let audience = login.audience ?? (login.url.hasSuffix("/") ? String(login.url.dropLast()) : login.url)
        let expiry = Int(Date().timeIntervalSince1970) + Self.assertionLifetimeSeconds
        let claims = Claims(iss: login.clientID, sub: login.username, aud: audience, exp: expiry)
        do {
            return try await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256).sign(claims)
        } catch {
            throw UpstreamError(.configuration, "The private key cannot sign: is it at least 2,048 bits long?")
        }
    }

    /// Plain values: JWTKit's claim for `exp` writes fractions of a second, which not every server reads.
    private struct Claims: JWTPayload {
        var iss: String
        var sub: String
        var aud: String
        var exp: Int

        /// Only signed here; the org verifies.
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    /// The names are the protocol's.
    private struct Answer: Decodable {
        var access_token: String?
        var instance_url: String?
        var id: String?
        var error: String?
        var error_description: String?
    }
}
