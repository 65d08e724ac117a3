internal import ChangeEvents
internal import Foundation
public import Logging
internal import ServiceLifecycle
internal import Store
internal import Synchronization
public import Twin

/// The push hub: WebSocket and Server-Sent Events connections, on loops of its own, fed from the twin's log.
///
/// The HTTP door hands connections over (`ConnectionTakeover`); each then belongs to one loop, and what is new in the log
/// crosses to each loop once per batch. See `docs/push-hub.md` for what it guarantees and why it is built this way.
///
/// Safe from any thread. One owner calls `run()` once.
public final class PushHub: Sendable {
    let shared: PushHubShared
    private let twin: Twin
    private let reader: LogReader
    private let feed: EventFeed
    private let inboxes: [LoopInbox]
    private let log: GatewayLog
    /// For the doors of Salesforce's own protocols: the same log, tokens and rules.
    public let bus: GatewayBus
    private let publications: [StatisticsPublication]
    private let hasRun = Atomic<Bool>(false)
    private let nextLoop = Atomic<Int>(0)
    private let readiness = Atomic<Bool>(false)

    public init(
        configuration: PushConfiguration, twin: Twin, verifier: TokenVerifier, publisher: (any EventPublisher)? = nil,
        logger: Logger
    ) throws(PushHubError) {
        let schemas = SchemaBook()
        let reader = LogReader(
            twin: twin, schemas: schemas, virtual: configuration.virtualChannels, logger: logger)
        var inboxes: [LoopInbox] = []
        for _ in 0..<max(1, configuration.loopCount) {
            inboxes.append(LoopInbox(waker: try LoopWaker(usesPoller: configuration.sockets == .descriptors)))
        }
        self.twin = twin
        self.reader = reader
        self.inboxes = inboxes
        feed = EventFeed(schemas: schemas, virtual: configuration.virtualChannels)
        publications = inboxes.map { _ in StatisticsPublication() }
        shared = PushHubShared(
            configuration: configuration, verifier: verifier, schemas: schemas, reader: reader, logger: logger)
        log = GatewayLog(countMax: configuration.recentEventsMax, bytesMax: configuration.recentEventBytesMax)
        bus = GatewayBus(twin: twin, shared: shared, log: log, publisher: publisher)
    }

    /// Serves until it is drained, gracefully or by `drain()`; returns when the last connection has ended.
    ///
    /// Graceful shutdown sends 1001 with `retry-after-ms` to everybody and gives them `drainTimeout`. Cancelling closes every
    /// connection at once; clients resume from the place they have.
    public func run() async throws {
        guard !hasRun.exchange(true, ordering: .relaxed) else {
            throw PushHubError(code: .state, message: "the push hub runs once")
        }
        try await shared.revocations.load(from: twin.store)
        let head = try await twin.observe(feed)
        defer { twin.stopObserving(feed) }
        let recent = try await reader.newest(
            upTo: head, count: shared.configuration.recentEventsMax, bytesMax: shared.configuration.recentEventBytesMax)
        let threads = ThreadLatch(count: inboxes.count)
        do {
            try startLoops(head: head, recent: recent, threads: threads)
        } catch {
            for inbox in inboxes { inbox.put(.stop) }
            throw error
        }
        log.begin(head: LogPlace(event: head), recent: recent)
        feed.open(inboxes + [log])
        readiness.store(true, ordering: .releasing)
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await serve(until: threads)
            } onCancel: {
                for inbox in inboxes { inbox.put(.stop) }
            }
        } onGracefulShutdown: {
            self.drain()
        }
        readiness.store(false, ordering: .releasing)
    }

    /// Says goodbye to every connection; `run()` returns when they have gone, at once where it has not begun. May be called
    /// more than once.
    public func drain() {
        readiness.store(false, ordering: .releasing)
        for inbox in inboxes { inbox.put(.drain) }
    }

    /// Is ready no more, and serves on: for load balancers, some time before `drain()`.
    public func withdraw() { readiness.store(false, ordering: .releasing) }

    /// Whether connections are being served, and are wanted.
    public var isReady: Bool { readiness.load(ordering: .acquiring) }

    /// Ends the connections concerned with 4401 and refuses such tokens from now on. Nothing more is sent to them from the moment
    /// each loop has read this, which takes milliseconds.
    ///
    /// In force at once; stored, so that a restart remembers it, when it returns. An error means that it is in force and was not
    /// stored.
    public func revoke(_ revocation: Revocation) async throws {
        shared.revocations.add(revocation)
        for inbox in inboxes { inbox.put(.revoke(revocation)) }
        try await shared.revocations.save(to: twin.store)
    }

    /// Admits pages of one more origin, for doors that learn their own address after the hub was made.
    public func allow(origin: String) {
        shared.origins.withLock { _ = $0.insert(origin) }
    }

    public func statistics() -> PushStatistics {
        publications.reduce(PushStatistics()) { $0 + $1.statistics }
    }

    /// The inbox of the loop whose turn it is to take a connection.
    func nextInbox() -> LoopInbox {
        inboxes[nextLoop.wrappingAdd(1, ordering: .relaxed).oldValue % inboxes.count]
    }

    private func serve(until threads: ThreadLatch) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.reader.run(inboxes: self.inboxes) }
            group.addTask { await self.feed.run(twin: self.twin, logger: self.shared.logger) }
            await threads.wait()
            group.cancelAll()
        }
    }

    private func startLoops(head: Position, recent: [LogItem], threads: ThreadLatch) throws(PushHubError) {
        for (index, inbox) in inboxes.enumerated() {
            let poller = try LoopSockets.makePoller(for: inbox.waker)
            let shared = shared
            let publication = publications[index]
            let thread = Thread {
                let loop = PushLoop(
                    index: index, sockets: LoopSockets(poller: poller, waker: inbox.waker), inbox: inbox,
                    shared: shared, publication: publication, head: LogPlace(event: head), recent: recent)
                loop.run()
                threads.threadEnded()
            }
            thread.name = "push-\(index)"
            thread.start()
        }
    }
}

/// What all loops of a hub share: immutable, or behind a lock that no event passes.
final class PushHubShared: Sendable {
    let configuration: PushConfiguration
    let verifier: TokenVerifier
    let schemas: SchemaBook
    let reader: LogReader
    let logger: Logger
    let subjects = ConnectionRegister()
    let addresses = ConnectionRegister()
    let revocations = RevocationRegister()
    let origins: Mutex<Set<String>>
    let connectionCount = Atomic<Int>(0)

    init(
        configuration: PushConfiguration, verifier: TokenVerifier, schemas: SchemaBook, reader: LogReader,
        logger: Logger
    ) {
        self.configuration = configuration
        self.verifier = verifier
        self.schemas = schemas
        self.reader = reader
        self.logger = logger
        origins = Mutex(configuration.allowedOrigins)
    }

    /// What a token allows now.
    func verify(_ token: String) throws(TokenError) -> Grant {
        let grant = try verifier.verify(token, now: WallClock.seconds())
        guard !revocations.covers(grant) else {
            throw TokenError(code: .revoked, message: "the token was revoked")
        }
        return grant
    }
}

/// A loop's numbers, put here by the loop once per turn and read by whoever asks.
final class StatisticsPublication: Sendable {
    private let state = Mutex(PushStatistics())

    var statistics: PushStatistics { state.withLock { $0 } }

    func publish(_ statistics: PushStatistics) {
        state.withLock { $0 = statistics }
    }
}

/// Waits for the loops' threads. Deaf to cancelling: they end by themselves, soon after they are told, and until then what
/// they use must live.
final class ThreadLatch: Sendable {
    private enum State {
        case running(count: Int)
        case awaited(count: Int, CheckedContinuation<Void, Never>)
        case done
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(.running(count: count))
    }

    func threadEnded() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            switch state {
            case .running(let count):
                state = count > 1 ? .running(count: count - 1) : .done
                return nil
            case .awaited(let count, let waiter):
                state = count > 1 ? .awaited(count: count - 1, waiter) : .done
                return count > 1 ? nil : waiter
            case .done:
                preconditionFailure("more threads ended than were started")
            }
        }
        waiter?.resume()
    }

    /// Called once.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard case .running(let count) = state else { return true }
                state = .awaited(count: count, continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}

/// The wall clock, where the protocol speaks of it (`exp`).
enum WallClock {
    /// Seconds since 1970.
    static func seconds() -> Int64 { Int64(Date().timeIntervalSince1970) }
}
