/// How to reach an org and its event bus, and as whom.
public struct OrgConnection: Sendable {
    /// The OAuth 2.0 JWT bearer flow: no password, no refresh token, a connected app with a certificate.
    public struct Login: Sendable {
        /// `https://login.salesforce.com`, `https://test.salesforce.com` or the My Domain.
        public var url: String
        /// The consumer key of the connected app.
        public var clientID: String
        /// The user whose permissions decide what is delivered.
        public var username: String
        /// The private key of the app's certificate, PKCS #1 or PKCS #8. Secret: never logged.
        public var privateKeyPEM: String
        /// The `aud` claim; nil: `url`, which is what the login hosts expect.
        public var audience: String?

        public init(url: String, clientID: String, username: String, privateKeyPEM: String, audience: String? = nil) {
            self.url = url
            self.clientID = clientID
            self.username = username
            self.privateKeyPEM = privateKeyPEM
            self.audience = audience
        }
    }

    /// Which certificates a server's must descend from.
    public enum TrustRoots: Sendable, Hashable {
        /// Those of the operating system.
        case system
        /// Those of a PEM file, and no others (a development certificate authority, a company's proxy).
        case file(path: String)
    }

    public var login: Login
    /// Host name or IP address of the Pub/Sub API.
    public var pubSubHost: String
    public var pubSubPort: Int
    /// For development only: the Pub/Sub API without TLS, and `http://` permitted for the login.
    public var usesPlaintext: Bool
    public var trustRoots: TrustRoots

    public init(
        login: Login, pubSubHost: String = "api.pubsub.salesforce.com", pubSubPort: Int = 7443,
        usesPlaintext: Bool = false,
        trustRoots: TrustRoots = .system
    ) {
        self.login = login
        self.pubSubHost = pubSubHost
        self.pubSubPort = pubSubPort
        self.usesPlaintext = usesPlaintext
        self.trustRoots = trustRoots
    }
}
