/// What the OAuth door needs of the org behind it: grants, tokens, and who somebody is.
public protocol OAuthService: Sendable {
    /// `POST /services/oauth2/token`.
    func token(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer
    /// `/services/oauth2/introspect`: the answer's document; a token that is not active is an answer, not an error.
    func introspect(_ request: OAuthRequest) async throws(OAuthError) -> JSONValue
    /// `/services/oauth2/revoke`: an access or a refresh token.
    func revoke(token: String) async throws(OAuthError)
    func userInfo(accessToken: String) async throws(OAuthError) -> JSONValue
    /// `/id/<organization>/<user>`.
    func identity(
        organizationID: String, userID: String, accessToken: String?
    ) async throws(OAuthError) -> JSONValue
    /// `/.well-known/openid-configuration`, for the address that asks.
    func discovery(authority: String) -> JSONValue
    /// `/id/keys`.
    func keys() async throws(OAuthError) -> JSONValue

    /// What the login page shows; or why there is none.
    func authorizationPrompt(_ request: AuthorizationRequest) throws(AuthorizationRefusal) -> AuthorizationPrompt
    /// Where to send a person who has logged in and allowed the access, with the code.
    func authorize(
        _ request: AuthorizationRequest, username: String, password: String
    ) async throws(AuthorizationRefusal) -> String
}

extension OAuthService {
    /// The form's parameters alone.
    public func token(parameters: [String: String], host: String) async throws(OAuthError) -> TokenAnswer {
        try await token(OAuthRequest(parameters: parameters, authority: host))
    }
}

/// A form sent to one of the endpoints.
public struct OAuthRequest: Sendable {
    public var parameters: [String: String]
    /// The host and port the request named, in lower case: `login.salesforce.com`, `localhost:8443`.
    public var authority: String

    /// `credentials` of `Authorization: Basic` take the place of those in the form.
    public init(
        parameters: [String: String], authority: String, credentials: (id: String, secret: String)? = nil
    ) {
        self.parameters = parameters
        self.authority = authority
        if let credentials {
            self.parameters["client_id"] = credentials.id
            self.parameters["client_secret"] = credentials.secret
        }
    }

    /// Without the port; a bracketed address stays bracketed.
    public var host: String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }

    /// A parameter that is there and not empty.
    public subscript(name: String) -> String? { parameters[name].flatMap { $0.isEmpty ? nil : $0 } }
}

public struct TokenAnswer: Sendable, Hashable {
    public var accessToken: String
    public var instanceURL: String
    public var identityURL: String
    public var scope: String
    /// Milliseconds since 1970; a string in the answer.
    public var issuedAt: Int64
    public var signature: String
    public var refreshToken: String?
    public var idToken: String?
    public init(
        accessToken: String, instanceURL: String, identityURL: String, scope: String, issuedAt: Int64,
        signature: String, refreshToken: String? = nil, idToken: String? = nil
    ) {
        self.accessToken = accessToken
        self.instanceURL = instanceURL
        self.identityURL = identityURL
        self.scope = scope
        self.issuedAt = issuedAt
        self.signature = signature
        self.refreshToken = refreshToken
        self.idToken = idToken
    }
}

/// `{"error":…,"error_description":…}` with HTTP 400 (or 401 where said).
public struct OAuthError: Error, Sendable, Hashable {
    public var status: Int
    public var error: String
    public var description: String
    public init(status: Int = 400, error: String, description: String) {
        self.status = status
        self.error = error
        self.description = description
    }
}

/// The parameters of `/services/oauth2/authorize`.
public struct AuthorizationRequest: Sendable, Hashable {
    public var parameters: [String: String]
    public init(parameters: [String: String]) { self.parameters = parameters }

    /// A parameter that is there and not empty.
    public subscript(name: String) -> String? { parameters[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// What goes through the login page to its form.
    public static let names = [
        "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
        "nonce", "login_hint", "prompt", "display",
    ]
}

/// What a person is asked.
public struct AuthorizationPrompt: Sendable, Hashable {
    public var organizationName: String
    public var applicationName: String
    public var scopes: [String]
    public init(organizationName: String, applicationName: String, scopes: [String]) {
        self.organizationName = organizationName
        self.applicationName = applicationName
        self.scopes = scopes
    }
}

/// Why there is no code.
public enum AuthorizationRefusal: Error, Sendable, Hashable {
    /// Told to the person: the application or its address is not to be trusted.
    case show(OAuthError)
    /// Told to the application, at its own address.
    case redirect(OAuthError)
    /// The login failed: the person may try again.
    case login(message: String)
}
