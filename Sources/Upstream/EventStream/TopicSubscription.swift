import ChangeEvents
import Logging
import Synchronization
import Waiting

/// One topic's subscription: performs what its state machine decides.
///
/// Owned by `Upstream` or `PubSubClient`, which call `run` once. `stop` and `snapshot` may be called from any thread.
/// The lock is held for a transition only, never across an `await`.
final class TopicSubscription: Sendable {
    /// What an attempt needs from outside; the same for all topics.
    struct Surroundings: Sendable {
        let org: OrgServices
        let schemas: SchemaBook
        let time: Timekeeper
        let randomness: @Sendable () -> Double
    }

    let topic: Upstream.Topic
    let sink: any EventSink
    let logger: Logger
    private let machine: Mutex<SubscriptionStateMachine>
    /// Outstanding or unstored events have become fewer.
    let creditChanged = Signal()
    /// A message was stored, or the attempt at it has failed.
    let storingEnded = Signal()
    private let stopRequested = Signal()

    init(
        topic: Upstream.Topic, timing: Upstream.Timing, endurance: SubscriptionStateMachine.Endurance,
        sink: any EventSink,
        logger: Logger
    ) {
        self.topic = topic
        self.sink = sink
        var logger = logger
        logger[metadataKey: LogKey.topic] = "\(topic.name)"
        self.logger = logger
        machine = Mutex(SubscriptionStateMachine(topic: topic, timing: timing, endurance: endurance))
    }

    var snapshot: SubscriptionStateMachine { machine.withLock { $0 } }

    func change<Result: Sendable>(_ body: (inout SubscriptionStateMachine) -> Result) -> Result {
        machine.withLock { body(&$0) }
    }

    /// Subscribes until `stop` (then it returns after the message in hand is stored), until cancelled (it throws
    /// `CancellationError`; a message in hand may be stored or not, its cursor with it), or until the subscription
    /// fails for good (it throws the `UpstreamError`).
    func run(in surroundings: Surroundings) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.attempts(in: surroundings) }
            group.addTask { await self.stopWhenAsked() }
            defer { group.cancelAll() }
            try await group.next()
        }
        try Task.checkCancellation()
    }

    /// Graceful end.
    func stop() { stopRequested.raise() }

    private func stopWhenAsked() async {
        await stopRequested.wait()
        change { $0.shutDown() }
        while snapshot.isStoring, !Task.isCancelled { await storingEnded.wait() }
    }

    private func attempts(in surroundings: Surroundings) async throws {
        let time = surroundings.time
        while true {
            switch change({ $0.next(now: time.now) }) {
            case .prepare:
                let attempt = await attempt(in: surroundings)
                try Task.checkCancellation()
                await conclude(attempt, in: surroundings)
            case .wait(let duration):
                logWait(duration)
                try await time.sleep(for: duration)
            case .stop:
                if let problem = snapshot.problem {
                    // A tool is told by the throw alone; the gateway's other topics go on, so here the log tells.
                    if snapshot.endurance == .waitsForEver {
                        logger.error("subscription stopped", metadata: [LogKey.error: "\(problem)"])
                    }
                    throw problem
                }
                return
            }
        }
    }

    /// How one attempt ended, and the session it was made with.
    struct Attempt: Sendable {
        let end: SubscriptionStateMachine.End
        var session: Session?
    }

    private func attempt(in surroundings: Surroundings) async -> Attempt {
        let room: Int
        let cursor: ReplayID?
        do {
            // Room first: it may be long in coming, and the cursor and the token should be fresh.
            room = try await sink.room(for: topic.name)
            cursor = try await sink.cursor(for: topic.name)
        } catch {
            return Attempt(end: .sinkFailed(error))
        }
        let session: Session
        do {
            session = try await surroundings.org.tokens.session()
        } catch {
            let known = error as? UpstreamError ?? UpstreamError(.loginFailed, "The login failed.", cause: error)
            return Attempt(end: .loginFailed(known))
        }
        let now = surroundings.time.now
        let opening: (start: SubscriptionStateMachine.Start, count: Int)? = change { machine in
            let start = machine.start(cursor: cursor)
            guard let count = machine.opened(from: start, room: room, now: now) else { return nil }
            return (start, count)
        }
        guard let opening else { return Attempt(end: .finished, session: session) }
        logger.info("subscribing", metadata: [LogKey.start: "\(opening.start)", LogKey.requested: "\(opening.count)"])
        let end = await stream(from: opening.start, count: opening.count, as: session, in: surroundings)
        return Attempt(end: end, session: session)
    }

    private func conclude(_ attempt: Attempt, in surroundings: Surroundings) async {
        let action = change { machine in
            machine.ended(attempt.end, now: surroundings.time.now, jitter: surroundings.randomness())
        }
        storingEnded.raise()
        switch action {
        case .goOn, .stop:
            break
        case .renewToken:
            if let session = attempt.session { surroundings.org.tokens.reject(session) }
        case .declareGap(let reason):
            logger.critical(
                "stored replay id refused, events may be lost: declaring a gap, starting at the oldest event",
                metadata: [LogKey.error: "\(reason)"])
            do {
                try await sink.declareGap(topic: topic.name, reason: reason)
                change { $0.gapDeclared() }
            } catch {
                _ = change {
                    $0.ended(.sinkFailed(error), now: surroundings.time.now, jitter: surroundings.randomness())
                }
            }
        }
    }

    private func logWait(_ duration: Duration) {
        guard let problem = snapshot.problem else { return }
        var metadata: Logger.Metadata = [LogKey.error: "\(problem)", LogKey.delay: "\(duration)"]
        if let cause = problem.cause, problem.reason == nil { metadata[LogKey.cause] = "\(cause)" }
        logger.warning("subscription interrupted, resuming later", metadata: metadata)
    }
}
