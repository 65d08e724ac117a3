import ChangeEvents
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import PubSubAPI
import Synchronization
import Waiting

/// The Pub/Sub API over one HTTP/2 connection: calls with the session's metadata, and errors as `CallFailure`.
///
/// One `GRPCClient` with the default load balancing (the first address that answers) keeps one connection, which all
/// streams and calls share and which is made anew when it breaks, or when a stream on it has been silent for too long
/// (`replace`). Safe from any thread.
final class PubSubConnection: Sendable {
    /// Responses have up to about 3 MB; the bound leaves room for an event of 1 MB more and keeps a hostile peer small.
    static let responseBytesMax = 8 * 1024 * 1024
    /// Between attempts to connect. The streams have pauses of their own; these only keep the connection from being
    /// slower.
    static let connectBackoff = HTTP2ClientTransport.Config.Backoff(
        initial: .milliseconds(200), max: .seconds(10), multiplier: 1.6, jitter: 0.2)

    /// One connection, as long as it lasts.
    struct Link: Sendable {
        fileprivate let number: Int
        fileprivate let client: GRPCClient<HTTP2ClientTransport.Posix>
        fileprivate let isRetired = Signal()

        fileprivate var api: Eventbus_V1_PubSub.Client<HTTP2ClientTransport.Posix> { .init(wrapping: client) }

        /// Until it is retired or cancelled, which ends its calls.
        fileprivate func run() async {
            await withTaskGroup(of: Void.self) { group in
                // What it throws, its calls throw as well.
                group.addTask { try? await client.runConnections() }
                group.addTask { await isRetired.wait() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private struct State {
        var link: Link
        var isClosed = false
    }

    private let org: OrgConnection
    private let timing: Upstream.Timing
    private let tokens: TokenSource
    private let state: Mutex<State>
    private let replaced = Signal()

    init(org: OrgConnection, tokens: TokenSource, timing: Upstream.Timing) throws(UpstreamError) {
        self.org = org
        self.timing = timing
        self.tokens = tokens
        state = Mutex(State(link: try Self.link(1, to: org, timing: timing)))
    }

    private static func link(
        _ number: Int, to org: OrgConnection, timing: Upstream.Timing
    ) throws(UpstreamError) -> Link {
        var config = HTTP2ClientTransport.Posix.Config.defaults
        config.backoff = connectBackoff
        config.connection.keepalive = HTTP2ClientTransport.Config.Keepalive(
            time: timing.pingAfter, timeout: timing.pingTimeout, allowWithoutCalls: false)
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: target(host: org.pubSubHost, port: org.pubSubPort), transportSecurity: security(org),
                config: config)
            return Link(number: number, client: GRPCClient(transport: transport))
        } catch {
            throw UpstreamError(
                .configuration, "No connection can be set up to \(org.pubSubHost):\(org.pubSubPort): \(error).",
                cause: error)
        }
    }

    /// What calls are made on now.
    var link: Link { state.withLock { $0.link } }

    /// Keeps a connection until `close`, or until cancelled, which ends all calls.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            func runLink() {
                let link = link
                guard link.number != running else { return }
                running = link.number
                // One that is retired may take its time: nothing waits for its end.
                group.addTask { await link.run() }
            }
            while !Task.isCancelled {
                runLink()
                await replaced.wait()
            }
            // Whoever got the last one calls on it, and would wait for ever if nobody ran it: cancelled, it ends those calls.
            state.withLock { $0.isClosed = true }
            runLink()
        }
    }

    /// No new calls; the connection closes when the last one has ended.
    func close() {
        let link = state.withLock { state in
            state.isClosed = true
            return state.link
        }
        link.client.beginGracefulShutdown()
    }

    /// A stream on this connection has been silent for longer than the service ever is: another on it may be as silent. All of its
    /// streams and calls fail, and the next ones are on a new one. Nothing where that has happened already.
    func replace(_ silent: Link) {
        let isReplaced = state.withLock { state in
            guard !state.isClosed, state.link.number == silent.number,
                // It is as it was the first time.
                let next = try? Self.link(silent.number + 1, to: org, timing: timing)
            else { return false }
            state.link = next
            return true
        }
        guard isReplaced else { return }
        silent.isRetired.raise()
        replaced.raise()
    }

    /// A token refused is renewed once. Throws `CallFailure`, the login's `UpstreamError`, or `CancellationError`.
    func topic(_ name: String) async throws -> Eventbus_V1_TopicInfo {
        try await call { metadata, options in
            var request = Eventbus_V1_TopicRequest()
            request.topicName = name
            return try await self.link.api.getTopic(request, metadata: metadata, options: options)
        }
    }

    /// Like `topic`.
    func schema(_ id: SchemaID) async throws -> Eventbus_V1_SchemaInfo {
        try await call { metadata, options in
            var request = Eventbus_V1_SchemaRequest()
            request.schemaID = id.string
            return try await self.link.api.getSchema(request, metadata: metadata, options: options)
        }
    }

    /// Like `topic`.
    func publish(_ request: Eventbus_V1_PublishRequest) async throws -> Eventbus_V1_PublishResponse {
        try await call { metadata, options in
            try await self.link.api.publish(request, metadata: metadata, options: options)
        }
    }

    /// One Subscribe stream. `requests` writes what is asked for and returns to end the asking; `responses` reads until
    /// the end. Returns when the stream has ended without an error, or `responses` has; throws what it throws, or
    /// `CallFailure`.
    func subscribe(
        on link: Link, as session: Session,
        requests: @escaping @Sendable (RPCWriter<Eventbus_V1_FetchRequest>) async throws -> Void,
        responses: @escaping @Sendable (RPCAsyncSequence<Eventbus_V1_FetchResponse, any Error>) async throws -> Void
    ) async throws {
        var options = CallOptions.defaults
        options.maxResponseMessageBytes = Self.responseBytesMax
        try await link.api.subscribe(
            metadata: Self.metadata(session), options: options, requestProducer: requests,
            onResponse: { response in
                if case .failure(let error) = response.accepted { throw CallFailure(error) }
                try await responses(response.messages)
            })
    }

    private func call<Answer: Sendable>(_ body: (Metadata, CallOptions) async throws -> Answer) async throws -> Answer {
        var options = CallOptions.defaults
        options.timeout = timing.callDeadline
        options.maxResponseMessageBytes = Self.responseBytesMax
        var mayRenew = true
        while true {
            let session = try await tokens.session()
            do {
                return try await body(Self.metadata(session), options)
            } catch {
                try Task.checkCancellation()
                let failure = CallFailure(error)
                guard ErrorRule.cure(for: failure) == .renewToken else { throw failure }
                tokens.reject(session)
                guard mayRenew else { throw failure }
                mayRenew = false
            }
        }
    }

    static func metadata(_ session: Session) -> Metadata {
        [
            "accesstoken": .string(session.accessToken), "instanceurl": .string(session.instanceURL),
            "tenantid": .string(session.organizationID),
        ]
    }

    /// An address literal must not go through name resolution: it would become the TLS server name, which only a name
    /// may be.
    static func target(host: String, port: Int) -> any ResolvableTarget {
        guard let address = try? SocketAddress(ipAddress: host, port: port) else { return .dns(host: host, port: port) }
        return address.protocol == .inet6 ? .ipv6(address: host, port: port) : .ipv4(address: host, port: port)
    }

    private static func security(_ org: OrgConnection) -> HTTP2ClientTransport.Posix.TransportSecurity {
        if org.usesPlaintext { return .plaintext }
        switch org.trustRoots {
        case .system: return .tls
        case .file(let path):
            return .tls { tls in tls.trustRoots = .certificates([.file(path: path, format: .pem)]) }
        }
    }
}
