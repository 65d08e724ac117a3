import Doors
import Twin
import Upstream

extension Bridge.Settings {
    /// What a configuration file says, in the words of the parts. Throws `TokenError` where the key cannot be used.
    init(_ configuration: Configuration) throws {
        self.init(
            org: OrgConnection(configuration.org),
            topics: configuration.topics.map { Upstream.Topic($0) },
            storePath: configuration.store.path,
            twin: Twin.Configuration(configuration),
            push: PushConfiguration(configuration),
            verifier: try TokenVerifier(configuration.push.tokens),
            host: configuration.listen.host,
            port: configuration.listen.port)
    }
}

extension OrgConnection {
    init(_ org: Configuration.Org) {
        self.init(
            login: Login(
                url: org.loginURL, clientID: org.clientID, username: org.username, privateKeyPEM: org.privateKey.reveal(),
                audience: org.audience),
            pubSubHost: org.pubSubAddress.host,
            pubSubPort: org.pubSubAddress.port,
            usesPlaintext: org.isPubSubPlaintext,
            trustRoots: org.certificateAuthorityFile.map { .file(path: $0) } ?? .system)
    }
}

extension Twin.Configuration {
    init(_ configuration: Configuration) {
        self.init()
        trackedEntities = configuration.trackedObjects
        retention = configuration.store.retention
        logBytesMax = configuration.store.logBytesMax
    }
}

extension PushConfiguration {
    init(_ configuration: Configuration) {
        self.init()
        let push = configuration.push
        allowedOrigins = Set(push.origins)
        heartbeat = push.heartbeat
        allowsTokenInQuery = push.allowsTokenInQuery
        authenticationTimeout = push.authenticationTimeout
        messageBytesMax = push.messageBytesMax
        subscriptionsPerConnectionMax = push.subscriptionsPerConnectionMax
        connectionsMax = push.connectionsMax
        connectionsPerSubjectMax = push.connectionsPerSubjectMax
        queueCountMax = push.queueFramesMax
        trackedEntities = configuration.trackedObjects
        drainTimeout = configuration.drainTimeout
    }
}

extension TokenVerifier {
    /// Throws `TokenError` where the key is not one of the algorithm.
    init(_ tokens: Configuration.Tokens) throws {
        guard let algorithm = TokenAlgorithm(rawValue: tokens.algorithm.rawValue) else {
            preconditionFailure("the configuration knows the same algorithms as the verifier")
        }
        let key =
            switch tokens.key {
            case .secret(let secret): secret.reveal()
            case .publicKey(let pem): pem
            case .jwks(let url):
                throw ConfigurationError(
                    file: url, mistakes: [.init(line: 1, message: "jwks_url is not served yet: use public_key_file")])
            }
        try self.init(algorithm: algorithm, key: key, issuer: tokens.issuer, audience: tokens.audience)
    }
}
