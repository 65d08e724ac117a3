internal import GRPCCore
internal import GRPCNIOTransportHTTP2
public import Logging
internal import NIOCore
public import NIOPosix
internal import ServiceLifecycle
internal import Waiting

/// Salesforce's Pub/Sub API over gRPC on an `EventBus`: plaintext, TLS, or both at once.
///
/// `run()` opens the listeners and returns when the door is shut. Shutting ends every open stream with UNAVAILABLE (a client
/// resumes from its replay id), answers the calls in flight, and closes the connections.
public final class PubSubDoor: Sendable {
    /// Where one listener listens.
    public struct Listener: Sendable {
        /// An IP address, or `localhost`.
        public var host: String
        /// 0: the kernel chooses.
        public var port: Int
        /// Nil: plaintext.
        public var tls: DoorTLS?

        public init(host: String = "127.0.0.1", port: Int = 0, tls: DoorTLS? = nil) {
            self.host = host
            self.port = port
            self.tls = tls
        }
    }

    public struct Configuration: Sendable {
        public var listeners: [Listener]
        /// How long a stream with events outstanding is silent at most. Salesforce promises 270 s, and uses less.
        public var keepaliveInterval: Duration
        /// How long a client may take to ask for more once everything is delivered.
        public var requestTimeout: Duration

        /// After this long without a frame the door asks whether the client is there; to one that does not answer within
        /// `pingTimeout` it says that the connection ends. (gRPC's server then waits for the streams, so those of a client
        /// that vanished stay until the kernel gives the connection up.)
        public var pingInterval = Duration.seconds(120)
        public var pingTimeout = Duration.seconds(20)

        /// How long a PublishStream may be without an event.
        public var publishIdleTimeout = Duration.seconds(70)
        /// How long a ManagedSubscribe may be without a commit.
        public var commitTimeout = Duration.seconds(1_800)

        public static let keepaliveIntervalDefault = Duration.seconds(60)
        public static let keepaliveIntervalMax = Duration.seconds(270)

        public init(
            listeners: [Listener], keepaliveInterval: Duration = keepaliveIntervalDefault,
            requestTimeout: Duration = .seconds(60)
        ) {
            precondition(
                keepaliveInterval <= Self.keepaliveIntervalMax, "clients give a stream up after 270 s of silence")
            self.listeners = listeners
            self.keepaliveInterval = keepaliveInterval
            self.requestTimeout = requestTimeout
        }
    }

    /// Salesforce's bound of concurrent calls on one connection.
    private static let streamsPerConnectionMax = 1000
    /// What is read of one message. Salesforce's bound is a quarter of this, and what passes it gets Salesforce's answer
    /// (see `Publishing.requestBytesMax`) instead of gRPC's.
    private static let requestBytesMax = 16 << 20
    /// How often a client may ask the door the same.
    private static let clientPingIntervalMin = Duration.seconds(10)

    /// The addresses of the listeners, in their order, once they are bound.
    public let listening: [Listening]

    private let configuration: Configuration
    private let service: PubSubService
    private let connections: PubSubConnections
    private let eventLoopGroup: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let shutdown = Signal()

    /// - Parameters:
    ///   - faults: what goes wrong on command; nil: nothing does.
    ///   - eventLoopGroup: the threads that serve; the caller shuts it down after `run()` has returned.
    public init(
        configuration: Configuration, bus: any EventBus, faults: (any FaultOracle)? = nil, metrics: MetricsRegistry,
        eventLoopGroup: MultiThreadedEventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        listening = configuration.listeners.map { _ in Listening() }
        connections = PubSubConnections()
        service = PubSubService(
            bus: bus, connections: connections, faults: PubSubFaults(oracle: faults, connections: connections),
            timing: .init(
                keepaliveInterval: configuration.keepaliveInterval, requestTimeout: configuration.requestTimeout),
            limits: .init(
                publishIdleTimeout: configuration.publishIdleTimeout, commitTimeout: configuration.commitTimeout),
            instruments: PubSubInstruments(registry: metrics))
    }

    /// Listens and serves until it is shut.
    ///
    /// Ends gracefully when `shutDown()` is called or the surrounding service group shuts down gracefully. Cancelling the
    /// task cuts every call off. Call it once.
    public func run() async throws(DoorError) {
        do {
            let servers = try configuration.listeners.map {
                try GRPCServer(transport: transport($0), services: [service])
            }
            try await withGracefulShutdownHandler {
                try await serve(servers)
            } onGracefulShutdown: {
                self.shutdown.raise()
            }
            settle(DoorError(code: .stopped, message: "The Pub/Sub door is shut"))
        } catch {
            let error =
                error as? DoorError ?? DoorError(code: .address, message: "Cannot serve the Pub/Sub API", cause: error)
            settle(error)
            throw error
        }
    }

    /// Begins the graceful end; `run()` returns when it is done.
    public func shutDown() {
        shutdown.raise()
    }

    private func serve(_ servers: [GRPCServer<HTTP2ServerTransport.Posix>]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (server, place) in zip(servers, listening.indices) {
                group.addTask {
                    do {
                        try await server.serve()
                    } catch {
                        let listener = self.configuration.listeners[place]
                        throw DoorError(
                            code: .address,
                            message: "Cannot serve the Pub/Sub API on \(listener.host):\(listener.port)",
                            cause: error)
                    }
                }
                group.addTask { try await self.announce(server, place) }
            }
            group.addTask {
                await self.shutdown.wait()
                self.service.shutDown()
                for server in servers { server.beginGracefulShutdown() }
            }
            // Not `waitForAll`, which waits for the others when one has failed: a server that cannot bind ends all.
            for try await _ in group {}
        }
    }

    private func announce(_ server: GRPCServer<HTTP2ServerTransport.Posix>, _ place: Int) async throws {
        // When it cannot be bound, `serve` says why.
        guard let bound = try? await server.transport.listeningAddress else { return }
        let address =
            if let ipv4 = bound.ipv4 {
                try SocketAddress(ipAddress: ipv4.host, port: ipv4.port)
            } else if let ipv6 = bound.ipv6 {
                try SocketAddress(ipAddress: ipv6.host, port: ipv6.port)
            } else {
                throw DoorError(code: .address, message: "The Pub/Sub API is bound to \(bound), which is no IP address")
            }
        let security = configuration.listeners[place].tls == nil ? "plaintext" : "TLS"
        logger.info("Pub/Sub API listening", metadata: ["address": "\(address)", "security": "\(security)"])
        listening[place].settle(.success(address))
    }

    private func settle(_ error: DoorError) {
        for listening in listening { listening.settle(.failure(error)) }
    }

    private func transport(_ listener: Listener) throws(DoorError) -> HTTP2ServerTransport.Posix {
        let host = listener.host == "localhost" ? "127.0.0.1" : listener.host
        let address: GRPCNIOTransportCore.SocketAddress
        switch try? NIOCore.SocketAddress(ipAddress: host, port: listener.port) {
        case .v4: address = .ipv4(host: host, port: listener.port)
        case .v6: address = .ipv6(host: host, port: listener.port)
        default:
            throw DoorError(code: .address, message: "'\(listener.host)' is neither an IP address nor localhost")
        }
        let security: HTTP2ServerTransport.Posix.TransportSecurity
        if let tls = listener.tls {
            // Read here once, so that a bad file is named; gRPC reads the files again.
            _ = try tls.serverConfiguration(applicationProtocols: ["h2"])
            security = .tls(
                certificateChain: [.file(path: tls.certificateChainFile, format: .pem)],
                privateKey: .file(path: tls.privateKeyFile, format: .pem))
        } else {
            security = .plaintext
        }
        let config = HTTP2ServerTransport.Posix.Config.defaults { config in
            config.http2.maxConcurrentStreams = Self.streamsPerConnectionMax
            config.rpc.maxRequestPayloadSize = Self.requestBytesMax
            config.channelDebuggingCallbacks.onAcceptTCPConnection = { [connections] in connections.accepted($0) }
            config.connection.keepalive.time = configuration.pingInterval
            config.connection.keepalive.timeout = configuration.pingTimeout
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = Self.clientPingIntervalMin
        }
        return HTTP2ServerTransport.Posix(
            address: address, transportSecurity: security, config: config, eventLoopGroup: eventLoopGroup)
    }
}
