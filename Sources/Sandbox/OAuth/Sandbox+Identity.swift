import ChangeEvents
import Crypto
public import Doors
import Foundation
import Logging
import Synchronization

/// Who somebody is: user info, the identity URL, identity tokens, and where to find all that.
extension Sandbox {
    private static let idTokenLifetimeSeconds: Int64 = 120

    public func userInfo(accessToken: String) async throws(OAuthError) -> JSONValue {
        guard let session = await usedSession(accessToken), let user = user(id: session.userID) else {
            throw .badToken
        }
        return Self.object([
            ("sub", .string(identityURL(of: user))), ("user_id", .string(user.id)),
            ("organization_id", .string(organization.id)), ("preferred_username", .string(user.username)),
            ("nickname", .string(user.lastName)), ("name", .string(user.fullName)),
            ("email", .string(user.address)), ("email_verified", .boolean(true)),
            ("given_name", .string(user.firstName)), ("family_name", .string(user.lastName)),
            ("zoneinfo", .string(Organization.timeZone)),
            ("photos", Self.object([("picture", .string(picture("F"))), ("thumbnail", .string(picture("T")))])),
            ("profile", .string("\(instance)/\(user.id)")), ("picture", .string(picture("F"))),
            ("address", .object([])), ("is_salesforce_integration_user", .boolean(false)),
            ("urls", urls(of: user)), ("active", .boolean(await isActive(user))), ("user_type", .string("STANDARD")),
            ("language", .string("en_US")), ("locale", .string("en_US")), ("utcOffset", .number("0")),
            ("updated_at", .string(Self.time(organization.foundedAt ?? 0))), ("is_app_installed", .boolean(true)),
        ])
    }

    public func identity(
        organizationID: String, userID: String, accessToken: String?
    ) async throws(OAuthError) -> JSONValue {
        guard let accessToken else {
            throw OAuthError(status: 403, error: "missing_token", description: "Missing_OAuth_Token")
        }
        guard let session = await usedSession(accessToken) else { throw .badToken }
        guard organizationID == organization.id || organizationID == organization.shortID else {
            throw OAuthError(status: 403, error: "wrong_org", description: "Wrong_Org")
        }
        guard let user = RecordID(userID).flatMap({ user(id: $0.string) }) else {
            throw OAuthError(status: 404, error: "bad_id", description: "Bad_Id")
        }
        guard session.userID == user.id else {
            throw OAuthError(status: 403, error: "inaccessible", description: "Inaccessible_Id")
        }
        return Self.object([
            ("id", .string(identityURL(of: user))), ("asserted_user", .boolean(true)), ("user_id", .string(user.id)),
            ("organization_id", .string(organization.id)), ("username", .string(user.username)),
            ("nick_name", .string(user.lastName)), ("display_name", .string(user.fullName)),
            ("email", .string(user.address)), ("email_verified", .boolean(true)),
            ("first_name", .string(user.firstName)), ("last_name", .string(user.lastName)),
            ("timezone", .string(Organization.timeZone)),
            ("photos", Self.object([("picture", .string(picture("F"))), ("thumbnail", .string(picture("T")))])),
            ("addr_street", .null), ("addr_city", .null), ("addr_state", .null), ("addr_country", .null),
            ("addr_zip", .null), ("mobile_phone", .null), ("mobile_phone_verified", .boolean(false)),
            ("is_lightning_login_user", .boolean(false)),
            ("status", Self.object([("created_date", .null), ("body", .null)])), ("urls", urls(of: user)),
            ("active", .boolean(await isActive(user))), ("user_type", .string("STANDARD")),
            ("language", .string("en_US")), ("locale", .string("en_US")), ("utcOffset", .number("0")),
            ("last_modified_date", .string(Self.time(organization.foundedAt ?? 0))),
            ("is_app_installed", .boolean(true)),
        ])
    }

    public func discovery(authority: String) -> JSONValue {
        let base = instanceURL(for: authority)
        func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        return Self.object([
            ("issuer", .string(issuer)), ("authorization_endpoint", .string("\(base)/services/oauth2/authorize")),
            ("token_endpoint", .string("\(base)/services/oauth2/token")),
            ("revocation_endpoint", .string("\(base)/services/oauth2/revoke")),
            ("userinfo_endpoint", .string("\(base)/services/oauth2/userinfo")),
            ("introspection_endpoint", .string("\(base)/services/oauth2/introspect")),
            ("jwks_uri", .string("\(base)/id/keys")), ("scopes_supported", texts(Scopes.known.sorted())),
            ("response_types_supported", texts(["code"])), ("subject_types_supported", texts(["public"])),
            ("id_token_signing_alg_values_supported", texts(["RS256"])),
            ("display_values_supported", texts(["page", "popup", "touch"])),
            (
                "token_endpoint_auth_methods_supported",
                texts(["client_secret_post", "client_secret_basic", "private_key_jwt"])
            ),
            ("code_challenge_methods_supported", texts(["S256"])),
            (
                "claims_supported",
                texts([
                    "active", "address", "email", "email_verified", "family_name", "given_name", "is_app_installed",
                    "language", "locale", "name", "nickname", "organization_id", "photos", "picture",
                    "preferred_username", "profile", "sub", "updated_at", "urls", "user_id", "user_type", "zoneinfo",
                ])
            ),
        ])
    }

    public func keys() async throws(OAuthError) -> JSONValue {
        do {
            return Self.object([("keys", .array([try await identityKey.publicKey()]))])
        } catch {
            logger.error("the identity key cannot be used", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
    }

    func idToken(
        _ user: Organization.User, _ app: ConnectedApp, accessToken: String, nonce: String?
    ) async throws(OAuthError) -> String {
        let now = configuration.clock() / 1_000
        let hash = Data(SHA256.hash(data: Data(accessToken.utf8))).prefix(16)
        var claims: [(String, JSONValue)] = [
            ("at_hash", .string(Base64URL.text(hash))), ("sub", .string(identityURL(of: user))),
            ("aud", .string(app.clientID)), ("iss", .string(issuer)),
            ("exp", .number(String(now + Self.idTokenLifetimeSeconds))), ("iat", .number(String(now))),
        ]
        if let nonce { claims.append(("nonce", .string(nonce))) }
        do {
            return try await identityKey.sign(Self.object(claims))
        } catch {
            logger.error("the identity key cannot be used", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
    }

    private var issuer: String { state.withLock { $0.addresses.loginURL } }
    private var instance: String { state.withLock { $0.addresses.instanceURL } }

    private func picture(_ size: String) -> String { "\(instance)/profilephoto/005/\(size)" }

    private func urls(of user: Organization.User) -> JSONValue {
        let data = "\(instance)/services/data/v{version}/"
        let soap = "\(instance)/services/Soap"
        return Self.object([
            ("enterprise", .string("\(soap)/c/{version}/\(organization.shortID)")),
            ("metadata", .string("\(soap)/m/{version}/\(organization.shortID)")),
            ("partner", .string("\(soap)/u/{version}/\(organization.shortID)")),
            ("rest", .string(data)), ("sobjects", .string(data + "sobjects/")), ("search", .string(data + "search/")),
            ("query", .string(data + "query/")), ("recent", .string(data + "recent/")),
            ("tooling_soap", .string("\(soap)/T/{version}/\(organization.shortID)")),
            ("tooling_rest", .string(data + "tooling/")), ("profile", .string("\(instance)/\(user.id)")),
            ("custom_domain", .string(instance)),
        ])
    }

    /// `2026-02-17T04:03:15Z`
    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(.iso8601)
    }

    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }
}
