import Doors
import Twin
import Upstream

extension Bridge.Settings {
    /// What a configuration file says, in the words of the parts. Throws `TokenError` where the key cannot be used.
    init(_ configuration: Configuration) throws {
        let tokens = configuration.push.tokens
        let issuerKeys = IssuerKeys(tokens)
        self.init(
            org: OrgConnection(configuration.org),
            topics: configuration.topics.map { Upstream.Topic($0) },
            store: configuration.store.location,
            twin: Twin.Configuration(configuration),
            push: PushConfiguration(configuration),
            verifier: try TokenVerifier(tokens, issuerKeys: issuerKeys),
            http: HTTPDoor.Configuration(configuration.listen),
            pubSub: configuration.pubSub.map { PubSubDoor.Listener($0) },
            issuerKeys: issuerKeys,
            adminSecret: configuration.adminSecret,
            objects: configuration.replicatedObjects,
            sync: configuration.sync,
            reconciling: Replica.Reconciling(configuration.reconcile),
            budget: BudgetPolicy(configuration.api))
    }
}

extension HTTPDoor.Configuration {
    init(_ listener: Configuration.Listener) {
        self.init(
            host: listener.address.host, port: listener.address.port, tls: listener.certificate.map { DoorTLS($0) })
    }
}

extension PubSubDoor.Listener {
    init(_ listener: Configuration.Listener) {
        self.init(
            host: listener.address.host, port: listener.address.port, tls: listener.certificate.map { DoorTLS($0) })
    }
}

extension DoorTLS {
    init(_ certificate: Configuration.Listener.Certificate) {
        self.init(certificateChainFile: certificate.chainFile, privateKeyFile: certificate.privateKeyFile)
    }
}

extension OrgConnection {
    init(_ org: Configuration.Org) {
        self.init(
            login: Login(
                url: org.loginURL, clientID: org.clientID, username: org.username,
                privateKeyPEM: org.privateKey.reveal(),
                audience: org.audience),
            pubSubHost: org.pubSubAddress.host,
            pubSubPort: org.pubSubAddress.port,
            usesPlaintext: org.isPubSubPlaintext,
            trustRoots: org.certificateAuthorityFile.map { .file(path: $0) } ?? .system)
    }
}

extension Replica.Reconciling {
    init(_ reconcile: Configuration.Reconcile) {
        self.init()
        every = reconcile.every
        deepEvery = reconcile.deepEvery
        pauses = [reconcile.settle, reconcile.settle]
    }
}

extension BudgetPolicy {
    init(_ api: Configuration.API) {
        self.init(dailyMax: api.callsPerDayMax, reserve: Double(api.reservePercent) / 100)
    }
}

extension Twin.Configuration {
    init(_ configuration: Configuration) {
        self.init()
        keptFields = configuration.keptFields
        trackedEntities = configuration.trackedObjects
        replicated = Dictionary(
            uniqueKeysWithValues: configuration.replicatedObjects.map { ($0.name, $0.topics) })
        history = Dictionary(
            uniqueKeysWithValues: configuration.replicatedObjects.compactMap { object in
                object.history.map { (object.name, $0) }
            })
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
        compresses = push.compresses
        subscriptionsPerConnectionMax = push.subscriptionsPerConnectionMax
        connectionsMax = push.connectionsMax
        connectionsPerSubjectMax = push.connectionsPerSubjectMax
        connectionsPerAddressMax = push.connectionsPerAddressMax == 0 ? nil : push.connectionsPerAddressMax
        queueCountMax = push.queueFramesMax
        trackedEntities = configuration.trackedObjects
        keptFields = configuration.keptFields
        virtualChannels = configuration.channels
        drainTimeout = configuration.drainTimeout
    }
}

extension TokenAlgorithm {
    init(_ algorithm: Configuration.Tokens.Algorithm) {
        self =
            switch algorithm {
            case .hs256: .hs256
            case .rs256: .rs256
            case .es256: .es256
            }
    }
}

extension IssuerKeys {
    /// Nil where the configuration holds the key itself.
    init?(_ tokens: Configuration.Tokens) {
        guard case .jwks(let url) = tokens.key else { return nil }
        self.init(url: url, keys: TokenKeys(algorithm: TokenAlgorithm(tokens.algorithm)))
    }
}

extension TokenVerifier {
    /// Throws `TokenError` where the key is not one of the algorithm.
    init(_ tokens: Configuration.Tokens, issuerKeys: IssuerKeys?) throws {
        if let issuerKeys {
            self.init(keys: issuerKeys.keys, issuer: tokens.issuer, audience: tokens.audience)
            return
        }
        let key =
            switch tokens.key {
            case .secret(let secret): secret.reveal()
            case .publicKey(let pem): pem
            case .jwks: preconditionFailure("the keys of an address have been made by IssuerKeys")
            }
        try self.init(
            algorithm: TokenAlgorithm(tokens.algorithm), key: key, issuer: tokens.issuer, audience: tokens.audience)
    }
}
