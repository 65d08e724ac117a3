import ChangeEvents
import Doors
import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Store
import Twin
import Upstream

/// The gateway, assembled: upstream → twin → push hub, with one HTTP port for listeners and operations.
///
/// `millrace run` makes one from its configuration file, `millrace demo` one for its own sandbox.
struct Bridge: Sendable {
    /// What a bridge is made of; see `docs/configuration.md` for where the values come from.
    struct Settings: Sendable {
        var org: OrgConnection
        var topics: [Upstream.Topic]
        var store: Configuration.Store.Location
        var twin: Twin.Configuration
        var push: PushConfiguration
        var verifier: TokenVerifier
        /// Where listeners and operations are served.
        var http: HTTPDoor.Configuration
        /// Where the Pub/Sub API is served; nil: it is not.
        var pubSub: PubSubDoor.Listener?
        var timing = Upstream.Timing()
        /// Nil where the verifier has its key from the configuration.
        var issuerKeys: IssuerKeys?
        /// For `/admin`; nil: there is none.
        var adminSecret: Secret?
        /// Kept whole, each in a table of its own.
        var objects: [ReplicatedObject] = []
        /// How they are read.
        var sync = Configuration.Sync()
        /// How they are compared with the org.
        var reconciling = Replica.Reconciling()
        /// Of calls to the org's REST and Bulk APIs.
        var budget = BudgetPolicy()
        var haste = Haste.none
    }

    let twin: Twin
    let upstream: Upstream
    let hub: PushHub
    let http: HTTPDoor
    let pubSub: PubSubDoor?
    let metrics: MetricsRegistry
    private let replication: Replication?
    private let jwks: JWKSRefresher?
    private let logger: Logger

    /// Opens the store and puts the parts together; nothing listens or connects before `components` run.
    init(_ settings: Settings, routes: [any HTTPRoutes] = [], logger: Logger) async throws {
        self.logger = logger
        metrics = MetricsRegistry()
        let store = try await Self.open(settings.store, logger: logger)
        twin = try await Twin(store: store, configuration: settings.twin, logger: logger)
        replication = try await Replication(settings, twin: twin, logger: logger)
        upstream = Upstream(
            configuration: .init(
                org: settings.org, topics: settings.topics, login: replication?.login, timing: settings.timing),
            sink: TwinSink(twin: twin), logger: logger)
        hub = try PushHub(
            configuration: settings.push, twin: twin, verifier: settings.verifier,
            publisher: UpstreamPublisher(upstream: upstream), logger: logger)
        jwks = settings.issuerKeys.map { [metrics] in JWKSRefresher($0, metrics: metrics, logger: logger) }
        var checks = [Self.upstreamCheck(upstream), Self.storeCheck(twin), Self.pushCheck(hub)]
        if let jwks { checks.append(.init(name: "tokens") { jwks.status }) }
        let operations = OperationsDoor(checks: checks, metrics: metrics)
        let secret = settings.adminSecret.map { [metrics] in AdminSecret($0.reveal(), metrics: metrics) }
        var admin: [any HTTPRoutes] = []
        if let secret {
            admin.append(AdminDoor(secret: secret, hub: hub, metrics: metrics, logger: logger))
            admin.append(GapDoor(secret: secret, twin: twin))
            if let replication { admin += [replication.door(secret), HistoryDoor(secret: secret, twin: twin)] }
        }
        http = HTTPDoor(
            configuration: settings.http,
            routes: [operations, BayeuxDoor(service: hub.bus, logger: logger)] + admin + routes,
            takeovers: [hub],
            metrics: metrics, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        pubSub = settings.pubSub.map { [hub, metrics] listener in
            PubSubDoor(
                configuration: .init(listeners: [listener]), bus: hub.bus, metrics: metrics,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        }
        BridgeMetrics(upstream: upstream, hub: hub, twin: twin).register(in: metrics)
        replication?.register(in: metrics)
    }

    /// Of a database that another gateway writes to, this one is the standby: it waits here until its turn comes.
    private static func open(
        _ location: Configuration.Store.Location, logger: Logger
    ) async throws -> any EventStore {
        switch location {
        case .file(let path): return try SQLiteStore(path: path)
        case .database(let url, let timestamps):
            do {
                return try await PostgresStore.open(url.reveal(), timestamps: timestamps)
            } catch let error as StoreError where error.code == .busy {
                logger.notice("standing by", metadata: ["reason": "\(error.message)"])
                return try await PostgresStore.open(url.reveal(), whenLocked: .wait, timestamps: timestamps)
            }
        }
    }

    /// In the order of starting. They stop in the reverse order: no more from upstream, no new connections, clients told
    /// where to go, log trimmed no more, store closed.
    var components: [Component] {
        [
            .atEnd("store") { [twin] in try await twin.store.close() },
            .cancelled("retention") { [twin] in try await twin.run() },
        ] + tokenComponents + replicationComponents + [
            Component("push") { [hub] in
                try await hub.run()
            },
            Component("http") { [http] in
                try await http.run()
            },
        ] + pubSubComponents + [
            Component("upstream") { [upstream] in
                try await upstream.run()
            } stop: { [upstream] in
                upstream.beginGracefulShutdown()
            }
        ]
    }

    /// To be started last, and so the first to stop: `/ready` says no for so long before anything else happens.
    func lameDuck(_ duration: Duration) -> Component {
        Component("lame duck") { [hub] in
            try? await gracefulShutdown()
            hub.withdraw()
            // Cancelled: the stop is abrupt.
            try? await Task.sleep(for: duration)
        }
    }

    private var pubSubComponents: [Component] {
        guard let pubSub else { return [] }
        return [Component("pubsub") { try await pubSub.run() }]
    }

    private var replicationComponents: [Component] {
        guard let replication else { return [] }
        return [.cancelled("replica") { try await replication.run() }]
    }

    private var tokenComponents: [Component] {
        guard let jwks else { return [] }
        return [.cancelled("tokens") { try await jwks.run() }]
    }

    /// The HTTP address once it is bound: `127.0.0.1:8080`.
    func authority() async throws -> String {
        try await http.listening.authority()
    }

    /// The Pub/Sub API's address once it is bound; nil where it is not served.
    func pubSubAuthority() async throws -> String? {
        try await pubSub?.listening.first?.authority()
    }

    private static func upstreamCheck(_ upstream: Upstream) -> OperationsDoor.Check {
        .init(name: "upstream") {
            let status = upstream.status
            let detail = status.topics.map { topic in
                var text = "\(topic.name): \(topic.state.rawValue)"
                if let error = topic.lastError, topic.state != .live { text += " (\(error.message))" }
                return text
            }
            return .init(isReady: status.isReady, detail: detail.joined(separator: "; "))
        }
    }

    private static func pushCheck(_ hub: PushHub) -> OperationsDoor.Check {
        .init(name: "push") {
            .init(isReady: hub.isReady, detail: hub.isReady ? "serving" : "takes no clients")
        }
    }

    private static func storeCheck(_ twin: Twin) -> OperationsDoor.Check {
        .init(name: "store") {
            do {
                let head = try await twin.store.read { reader in try reader.head() }
                return .init(isReady: true, detail: "log at position \(head.rawValue)")
            } catch {
                return .init(isReady: false, detail: "cannot be read: \(error)")
            }
        }
    }
}

extension Listening {
    /// `127.0.0.1:8080`, `[::1]:8080`.
    func authority() async throws -> String {
        let address = try await address()
        let host = address.ipAddress ?? "127.0.0.1"
        return (host.contains(":") ? "[\(host)]" : host) + ":\(address.port ?? 0)"
    }
}
