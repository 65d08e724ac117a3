public import Logging
import Synchronization
import Waiting

/// The subscription to an org: every topic on its own stream, all streams on one HTTP/2 connection, everything received
/// given to the sink in order and asked for only when the sink has room.
///
/// At least once: a stream resumes behind the cursor that the sink has stored, so after a break events may come again
/// and none are left out. Where the org itself cannot go on (the stored replay id is no longer retained) the sink is
/// told of a gap before the oldest retained events follow. What the event bus answers and what follows from it is in
/// `docs/upstream.md`.
///
/// Owned by the executable. `run` once; `status` and `beginGracefulShutdown` from any thread.
public final class Upstream: Sendable {
    public let configuration: Configuration
    private let sink: any EventSink
    private let logger: Logger
    private let time: Timekeeper
    private let subscriptions: [TopicSubscription]
    private let shutdownRequested = Signal()
    private let hasRun = Mutex(false)
    private let tokens = Mutex<TokenSource?>(nil)
    private let services = Mutex<OrgServices?>(nil)

    public init(configuration: Configuration, sink: any EventSink, logger: Logger) {
        self.configuration = configuration
        self.sink = sink
        self.logger = logger
        time = Timekeeper(configuration.clock)
        subscriptions = configuration.topics.map { topic in
            TopicSubscription(
                topic: topic, timing: configuration.timing, endurance: .waitsForEver, sink: sink, logger: logger)
        }
    }

    /// Subscribes until `beginGracefulShutdown` (then it returns, after what is being stored is stored) or until
    /// cancelled (then it throws `CancellationError`; what was being stored may be stored or not, its cursor with it).
    ///
    /// Throws `UpstreamError` for a configuration that cannot work. Failures of the org, the network or one topic do
    /// not end it: they are waited out, and `status` shows them.
    public func run() async throws {
        let isFirst = hasRun.withLock { hasRun in
            defer { hasRun = true }
            return !hasRun
        }
        guard isFirst else { throw UpstreamError(.alreadyRun, "An Upstream runs once.") }
        try configuration.validate()
        try await OrgServices.with(
            configuration.org, login: configuration.login, timing: configuration.timing, time: time, logger: logger
        ) { services in
            tokens.withLock { $0 = services.tokens }
            self.services.withLock { $0 = services }
            defer { self.services.withLock { $0 = nil } }
            let surroundings = TopicSubscription.Surroundings(
                org: services,
                schemas: SchemaBook(
                    pubSub: services.pubSub, sink: sink, timing: configuration.timing, time: time,
                    randomness: configuration.randomness, logger: logger),
                time: time, randomness: configuration.randomness)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for subscription in subscriptions {
                    group.addTask { try await self.run(subscription, in: surroundings) }
                }
                await shutdownRequested.wait()
                for subscription in subscriptions { subscription.stop() }
                // Nobody throws but on cancellation.
                try await group.waitForAll()
            }
            try Task.checkCancellation()
        }
    }

    /// Ends the streams after the messages in hand are stored; `run` returns.
    public func beginGracefulShutdown() { shutdownRequested.raise() }

    /// How it stands now.
    public var status: Status {
        let now = time.now
        return Status(
            topics: subscriptions.map { Status.Topic($0.snapshot, now: now) },
            loginCount: tokens.withLock { $0?.loginCount } ?? 0)
    }

    /// The Pub/Sub API by the connection and the session of the subscription; nil while there is none. Not to be kept.
    public var client: PubSubClient? {
        services.withLock { $0 }.map {
            PubSubClient(services: $0, timing: configuration.timing, time: time, logger: logger)
        }
    }

    /// A topic that has stopped for good does not stop the others; the subscription has logged it and `status` shows
    /// it.
    private func run(_ subscription: TopicSubscription, in surroundings: TopicSubscription.Surroundings) async throws {
        do {
            try await subscription.run(in: surroundings)
        } catch is UpstreamError {
            return
        }
    }
}

extension Upstream.Configuration {
    /// Finds what can be found without the network. Throws `UpstreamError(.configuration)`.
    public func validate() throws(UpstreamError) {
        try org.validate()
        if topics.isEmpty { throw UpstreamError(.configuration, "There is no topic to subscribe to.") }
        var names: Set<String> = []
        for topic in topics {
            guard topic.name.hasPrefix("/data/") || topic.name.hasPrefix("/event/") else {
                throw UpstreamError(
                    .configuration, "A topic's name begins with /data/ or /event/.", topic: topic.name)
            }
            guard names.insert(topic.name).inserted else {
                throw UpstreamError(
                    .configuration, "The topic is there twice: it would be delivered twice.", topic: topic.name)
            }
        }
    }
}
