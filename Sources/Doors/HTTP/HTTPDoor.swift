internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
public import NIOCore
internal import NIOSSL
internal import ServiceLifecycle
internal import Synchronization

/// One HTTP/1.1 server on one address, with any number of routes, which can hand whole connections to a
/// `ConnectionTakeover`.
///
/// `run()` opens it and returns when it is shut. What it guarantees to routes: a body never passes
/// `Limits.bodyBytesMax` (reading it throws, and the client gets 413), errors leave in one form, and a client can hold a
/// connection only as long as the limits say.
public final class HTTPDoor: Sendable {
    /// The address, once it is bound.
    public let listening = Listening()

    /// Pages that may call from a browser; entries may be added while it serves.
    public let corsAllowList: CORSAllowList

    private let configuration: Configuration
    private let routes: [any HTTPRoutes]
    private let takeovers: [any ConnectionTakeover]
    private let faults: (any FaultOracle)?
    private let instruments: HTTPInstruments
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let running = Mutex<ServiceGroup?>(nil)

    /// - Parameters:
    ///   - faults: what goes wrong on command; nil: nothing does.
    ///   - eventLoopGroup: the threads that accept and serve; the caller shuts it down after `run()` has returned.
    public init(
        configuration: Configuration, routes: [any HTTPRoutes], takeovers: [any ConnectionTakeover] = [],
        faults: (any FaultOracle)? = nil, metrics: MetricsRegistry, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        corsAllowList = CORSAllowList(origins: configuration.corsOrigins)
        self.routes = routes
        self.takeovers = takeovers
        self.faults = faults
        self.instruments = HTTPInstruments(registry: metrics)
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Listens and serves until it is shut.
    ///
    /// Ends gracefully when `shutDown()` is called or the surrounding service group shuts down gracefully: no new
    /// connections, idle ones closed, requests in flight answered, then it returns. Cancelling the task closes every
    /// connection at once; requests in flight are then cut off. Call it once.
    public func run() async throws(DoorError) {
        do {
            let service = ServiceGroup(services: [try application()], logger: logger)
            running.withLock { $0 = service }
            try await service.run()
            listening.settle(.failure(DoorError(code: .stopped, message: "The HTTP door is shut")))
        } catch let error as DoorError {
            listening.settle(.failure(error))
            throw error
        } catch {
            let error = DoorError(
                code: .address, message: "Cannot serve HTTP on \(configuration.host):\(configuration.port)",
                cause: error)
            listening.settle(.failure(error))
            throw error
        }
    }

    /// Begins the graceful end; `run()` returns when it is done. Does nothing before `run()`.
    public func shutDown() async {
        let service = running.withLock { $0 }
        await service?.triggerGracefulShutdown()
    }

    private func application() throws(DoorError) -> some ApplicationProtocol {
        let table = RouteTable()
        let router = Router(context: BasicRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: corsAllowList)
        router.add(middleware: ErrorResponses(table: table, instruments: instruments))
        if let faults { router.add(middleware: HTTPFaults(oracle: faults)) }
        for routes in routes { routes.add(to: router) }
        table.fill(from: router.routes)
        return Application(
            router: router,
            server: try server(),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "millrace"),
            onServerRunning: { [listening] channel in
                guard let address = channel.localAddress else { return }
                listening.settle(.success(address))
            },
            eventLoopGroupProvider: .shared(eventLoopGroup),
            logger: logger)
    }

    private func server() throws(DoorError) -> HTTPServerBuilder {
        let rules = RequestRules(limits: configuration.limits, takeovers: takeovers, isTLS: configuration.tls != nil)
        let instruments = self.instruments
        guard let tls = configuration.tls else {
            return HTTPServerBuilder { HTTPChannel(responder: $0, rules: rules, instruments: instruments) }
        }
        let tlsConfiguration = try tls.serverConfiguration(applicationProtocols: ["http/1.1"])
        return HTTPServerBuilder { responder in
            try TLSChannel(
                HTTPChannel(responder: responder, rules: rules, instruments: instruments),
                tlsConfiguration: tlsConfiguration)
        }
    }
}

extension DoorTLS {
    func serverConfiguration(applicationProtocols: [String]) throws(DoorError) -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificateChainFile)
            let key = try NIOSSLPrivateKey(file: privateKeyFile, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = applicationProtocols
            // What a client that keeps its connection open may hold up a stop, as without TLS.
            configuration.shutdownTimeout = HTTPDoor.Limits.lingerTimeout
            // Finds a key that does not belong to the certificate now, instead of at the first handshake.
            _ = try NIOSSLContext(configuration: configuration)
            return configuration
        } catch {
            throw DoorError(
                code: .certificate,
                message: "Cannot use the certificate \(certificateChainFile) with the key \(privateKeyFile)",
                cause: error)
        }
    }
}
