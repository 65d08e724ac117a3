import Doors
import Foundation
import Logging
import NIOPosix
import Sandbox
import ServiceLifecycle

/// The sandbox behind its doors: HTTP, HTTPS, and the Pub/Sub API with and without TLS. `millrace sandbox` is one of these;
/// `millrace demo` and tests have one as well.
struct OrgServer: Sendable {
    struct Addresses: Sendable {
        var host = "127.0.0.1"
        var httpPort = 0
        var httpsPort = 0
        var grpcPort = 0
        var grpcPlaintextPort = 0
    }

    let sandbox: Sandbox
    private let directory: String
    private let http: HTTPDoor
    private let https: HTTPDoor
    /// Its listeners: with TLS, then without.
    private let pubSub: PubSubDoor
    private let certificates: DevelopmentCA

    /// Opens or founds the org; nothing listens before `components` run.
    ///
    /// - Parameters:
    ///   - corsOrigins: pages that may call the REST API from a browser.
    ///   - isControlOpenToAll: whether callers on other machines may use the control door.
    ///   - keepaliveInterval: silence after which a Subscribe stream gets a keepalive.
    init(
        directory: String, addresses: Addresses, corsOrigins: [String], isControlOpenToAll: Bool = false,
        keepaliveInterval: Duration = PubSubDoor.Configuration.keepaliveIntervalDefault,
        sandbox configuration: Sandbox.Configuration = .init(),
        logger: Logger
    ) async throws {
        let directory = URL(fileURLWithPath: directory, isDirectory: true).standardizedFileURL.path
        self.directory = directory
        let clock = OrgClock()
        var configuration = configuration
        configuration.clock = { clock.now }
        sandbox = try await Sandbox(directory: directory, configuration: configuration, logger: logger)
        certificates = try DevelopmentCA.open(directory: directory + "/tls")
        let tls = DoorTLS(
            certificateChainFile: certificates.certificateFile, privateKeyFile: certificates.privateKeyFile)
        let metrics = MetricsRegistry()
        let bayeux = BayeuxDoor(service: sandbox, faults: sandbox.faults, logger: logger)
        let routes: [any HTTPRoutes] = [
            OAuthDoor(service: sandbox), SOAPDoor(service: sandbox), bayeux,
            RESTDoor(org: sandbox, tooling: sandbox, schemas: sandbox, bulk: sandbox, streaming: sandbox),
            ODataDoor(org: sandbox, service: sandbox),
            ClassicBulkDoor(org: sandbox),
            SandboxRoutes(sandbox: sandbox),
            ControlRoutes(control: SandboxControl(sandbox: sandbox, clock: clock), isOpenToAll: isControlOpenToAll),
            SandboxPageRoutes(),
            OperationsDoor(checks: [], metrics: metrics),
        ]
        let threads = MultiThreadedEventLoopGroup.singleton
        http = HTTPDoor(
            configuration: .init(host: addresses.host, port: addresses.httpPort, corsOrigins: corsOrigins),
            routes: routes, faults: sandbox.faults,
            metrics: metrics, eventLoopGroup: threads, logger: logger)
        https = HTTPDoor(
            configuration: .init(host: addresses.host, port: addresses.httpsPort, tls: tls, corsOrigins: corsOrigins),
            routes: routes, faults: sandbox.faults, metrics: metrics, eventLoopGroup: threads, logger: logger)
        pubSub = PubSubDoor(
            configuration: .init(
                listeners: [
                    .init(host: addresses.host, port: addresses.grpcPort, tls: tls),
                    .init(host: addresses.host, port: addresses.grpcPlaintextPort),
                ], keepaliveInterval: keepaliveInterval),
            bus: sandbox, faults: sandbox.faults, metrics: metrics, eventLoopGroup: threads, logger: logger)
    }

    /// In the order of starting; `started` is called once every door listens and connection.json is written.
    func components(
        life: OrgLifeOptions? = nil, started: @escaping @Sendable (Connection) async throws -> Void
    ) -> [Component] {
        var components: [Component] = [
            .atEnd("org") { [sandbox] in try await sandbox.close() },
            .cancelled("org-retention") { [sandbox] in try await sandbox.run() },
            Component("org-http") { [http] in
                try await http.run()
            },
            Component("org-https") { [https] in
                try await https.run()
            },
            Component("org-pubsub") { [pubSub] in
                try await pubSub.run()
            },
            // A stop does not wait for the last of many rows: the next start goes on behind those that are there.
            .cancelled("announce") {
                try await started(try await announce())
                if let life { try await life.load(into: sandbox) }
                // Not the end of the program.
                try await gracefulShutdown()
            },
        ]
        if let life, let rate = life.traffic {
            let seed = life.seed
            components.append(.cancelled("org-traffic") { [sandbox] in try await sandbox.runTraffic(rate, seed: seed) })
        }
        return components
    }

    /// Puts a page's origin on the org's CORS allow-list.
    func allow(corsOrigin: String) {
        http.corsAllowList.allow(corsOrigin)
        https.corsAllowList.allow(corsOrigin)
    }

    /// Waits until every door listens, tells the org its addresses and writes `DIR/connection.json` (mode 0600: it holds a
    /// password), whole or not at all.
    func announce() async throws -> Connection {
        let http = "http://" + (try await http.listening.authority())
        let https = "https://" + (try await https.listening.authority())
        sandbox.listening(
            at: SandboxAddresses(
                loginURL: http, instanceURL: http, httpURL: http, httpsURL: https,
                grpcAddress: try await pubSub.listening[0].authority(),
                grpcPlaintextAddress: try await pubSub.listening[1].authority(),
                caFile: certificates.authorityFile))
        let connection = sandbox.connection
        try PrivateFile.write(JSONText.pretty(connection), to: directory + "/" + Connection.fileName)
        return connection
    }
}

extension Connection {
    /// For a person who has just started the sandbox.
    var summary: String {
        """
        An org is here: \(organizationID)
          REST and OAuth    \(httpURL)   \(httpsURL)
          Pub/Sub API       \(grpcAddress) (TLS)   \(grpcPlaintextAddress) (plaintext)
          username          \(username)
          client id         \(clientID)
          private key       \(privateKeyFile)
          trust this CA     \(caFile)
        All of it for programs: \(URL(fileURLWithPath: privateKeyFile).deletingLastPathComponent().path)/\(Connection.fileName)
        """
    }
}
