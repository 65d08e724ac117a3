/// `DIR/connection.json`: everything a client needs to reach the sandbox. Whoever opens the doors fills in the
/// addresses.
public struct Connection: Codable, Sendable, Hashable {
    public var loginURL: String
    public var instanceURL: String
    public var httpURL: String
    public var httpsURL: String
    /// `host:port` with TLS.
    public var grpcAddress: String
    /// `host:port` without TLS.
    public var grpcPlaintextAddress: String
    public var organizationID: String
    public var clientID: String
    public var clientSecret: String
    public var username: String
    /// For SOAP login and the login page; the OAuth password grant is off, as in new orgs.
    public var password: String
    /// May stand behind the password, as clients put it.
    public var securityToken: String
    public var privateKeyFile: String
    public var caFile: String

    private enum CodingKeys: String, CodingKey {
        case loginURL = "login_url"
        case instanceURL = "instance_url"
        case httpURL = "http_url"
        case httpsURL = "https_url"
        case grpcAddress = "grpc_address"
        case grpcPlaintextAddress = "grpc_plaintext_address"
        case organizationID = "org_id"
        case clientID = "client_id"
        case clientSecret = "client_secret"
        case username
        case password
        case securityToken = "security_token"
        case privateKeyFile = "private_key_file"
        case caFile = "ca_file"
    }
}

extension Connection {
    public static let fileName = "connection.json"
}

/// Where the sandbox's doors listen. Known only after they do (port 0 means: any free one).
public struct SandboxAddresses: Sendable, Hashable {
    public var loginURL: String
    public var instanceURL: String
    public var httpURL: String
    public var httpsURL: String
    public var grpcAddress: String
    public var grpcPlaintextAddress: String
    public var caFile: String

    public init(
        loginURL: String, instanceURL: String, httpURL: String, httpsURL: String, grpcAddress: String,
        grpcPlaintextAddress: String, caFile: String
    ) {
        self.loginURL = loginURL
        self.instanceURL = instanceURL
        self.httpURL = httpURL
        self.httpsURL = httpsURL
        self.grpcAddress = grpcAddress
        self.grpcPlaintextAddress = grpcPlaintextAddress
        self.caFile = caFile
    }

    /// Before any door listens: the addresses of a real org's kind, so that library users and tests have something to
    /// name.
    public static let none = SandboxAddresses(
        loginURL: "https://login.electric-motors.test", instanceURL: "https://electric-motors.my.salesforce.test",
        httpURL: "", httpsURL: "", grpcAddress: "", grpcPlaintextAddress: "", caFile: "")
}
