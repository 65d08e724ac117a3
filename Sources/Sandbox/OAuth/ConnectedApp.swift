import Doors

/// A connected app: who may ask the org for tokens, and how. The org founds one of its own (`connection.json` has its key and
/// secret); further ones come from the configuration.
public struct ConnectedApp: Sendable, Hashable {
    public var name: String
    /// The consumer key.
    public var clientID: String
    /// The consumer secret.
    public var clientSecret: String
    /// Where the web-server flow may send a code, to the letter.
    public var callbackURLs: [String] = []
    /// Any address of this machine will do as well (`http://localhost:…`): for tools that listen on a port of their own.
    public var takesLoopbackCallbacks = false
    /// What it is given when it asks for nothing in particular.
    public var defaultScopes = ["refresh_token", "id", "api"]
    /// For the client credentials flow; nil: the flow is off.
    public var runAsUsername: String?
    /// For the JWT bearer flow: the public key of its certificate, PEM; nil: the flow is off.
    public var publicKeyPEM: String?
    /// The web-server and the refresh flow need the secret.
    public var requiresSecret = true
    /// The web-server flow needs a code challenge.
    public var requiresCodeChallenge = false
    /// A refresh gives a new refresh token and ends the old one.
    public var rotatesRefreshTokens = false
    /// "Admin approved users are pre-authorized": nobody but `approvedUsernames`. Otherwise a user may allow access.
    public var admitsApprovedUsersOnly = false
    /// These need not be asked.
    public var approvedUsernames: Set<String> = []

    /// API calls of the app in 24 hours; nil: only the org's own limit counts.
    public var apiCallsMax: Int?

    public init(name: String, clientID: String, clientSecret: String) {
        self.name = name
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    func isApproved(_ username: String) -> Bool {
        approvedUsernames.contains { $0.lowercased() == username.lowercased() }
    }

    func takes(callback: String) -> Bool {
        if callbackURLs.contains(callback) { return true }
        guard takesLoopbackCallbacks, !callback.contains("#") else { return false }
        // Behind the host stands a port, a path, a query, or nothing: `http://localhost.evil.example` is not this machine.
        return ["http://localhost", "http://127.0.0.1", "http://[::1]"].contains { prefix in
            guard callback.hasPrefix(prefix) else { return false }
            let rest = callback.dropFirst(prefix.count)
            return rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?")
                || (rest.hasPrefix(":") && rest.dropFirst().prefix { $0 != "/" && $0 != "?" }.allSatisfy(\.isNumber))
        }
    }
}

/// Scopes as Salesforce names them.
enum Scopes {
    static let known: Set<String> = [
        "id", "profile", "email", "address", "phone", "openid", "api", "web", "full", "refresh_token", "offline_access",
        "chatter_api", "visualforce", "custom_permissions", "wave_api", "eclair_api", "pardot_api", "content",
        "lightning", "cdp_api", "cdp_query_api", "cdp_ingest_api", "cdp_profile_api", "interaction_api",
        "einstein_gpt_api",
        "sfap_api", "user_registration_api", "forgot_password", "pwdless_login_api", "scrt_api",
    ]
    /// What the flows without a person give.
    static let server = ["id", "api"]

    /// The scopes of a parameter, each once, in their order.
    static func parse(_ text: String) throws(OAuthError) -> [String] {
        var scopes: [String] = []
        for scope in text.split(whereSeparator: { $0 == " " || $0 == "+" }).map(String.init) {
            guard known.contains(scope) else { throw .invalidScope }
            if !scopes.contains(scope) { scopes.append(scope) }
        }
        return scopes
    }

    static func givesRefreshToken(_ scopes: [String]) -> Bool {
        scopes.contains("refresh_token") || scopes.contains("offline_access")
    }

    /// As a person reads it.
    static func label(_ scope: String) -> String {
        switch scope {
        case "id", "profile", "email", "address", "phone": "Access the identity URL service (\(scope))"
        case "openid": "Access unique user identifiers (openid)"
        case "api": "Manage user data via APIs (api)"
        case "web": "Manage user data via Web browsers (web)"
        case "full": "Full access (full)"
        case "refresh_token", "offline_access": "Perform requests at any time (\(scope))"
        default: scope
        }
    }
}
