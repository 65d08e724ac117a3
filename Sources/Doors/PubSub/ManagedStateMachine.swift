internal import ChangeEvents
internal import Store

/// One ManagedSubscribe stream: a Subscribe stream whose place the server keeps.
///
/// Flow control is that of `SubscribeStateMachine`. Beside it: the first request names the subscription; a commit waits
/// until it can be done, and a newer one takes its place, so that several quick ones may have one answer; without a commit
/// for `commitTimeout` the stream ends. A pure state machine, driven like the one it contains.
struct ManagedStateMachine {
    typealias Instant = ContinuousClock.Instant

    static let commitTimeout = Duration.seconds(1_800)
    static let commitMissingMessage =
        "No CommitReplayRequests sent in the last 1800 seconds. Closing managed subscription."

    /// A `CommitReplayRequest`.
    struct Commit: Hashable, Sendable {
        var requestID: String
        var replayID: [UInt8]
    }

    /// A `ManagedFetchRequest`.
    struct Request: Hashable, Sendable {
        var name: ManagedName
        var count: Int
        var commit: Commit?
    }

    enum Step: Hashable, Sendable {
        /// Take the subscription, then `flow.started`.
        case open(ManagedName)
        case commit(Commit)
        /// What the stream itself is to do; never a start.
        case flow(SubscribeStateMachine.Step)
    }

    var flow: SubscribeStateMachine
    private let commitTimeout: Duration
    private var name: ManagedName?
    private var waiting: Commit?
    private var commitDeadline: Instant

    init(
        timing: SubscribeStateMachine.Timing, commitTimeout: Duration = ManagedStateMachine.commitTimeout, now: Instant
    ) {
        flow = SubscribeStateMachine(timing: timing, now: now)
        self.commitTimeout = commitTimeout
        commitDeadline = now + commitTimeout
    }

    /// Answers whether a waiting caller must ask for its next step.
    mutating func requested(_ request: Request, now: Instant) -> Bool {
        var isNews = false
        if name == nil {
            guard !request.name.id.isEmpty || !request.name.developerName.isEmpty else {
                return flow.fail(
                    .requestInvalid, "The first request must have a subscription_id or a developer_name.")
            }
            name = request.name
            commitDeadline = now + commitTimeout
        }
        if let commit = request.commit {
            waiting = commit
            isNews = true
            // A request with a commit alone asks for no events.
            if request.count == 0 { return isNews }
        }
        let fetch = SubscribeStateMachine.Request(
            topic: Self.place, preset: .latest, replayID: [], count: request.count)
        return flow.fetchRequested(fetch) || isNews
    }

    mutating func nextStep(now: Instant) -> Step {
        if let name, flow.isStarting { return .open(name) }
        if let commit = waiting {
            waiting = nil
            return .commit(commit)
        }
        if name != nil, now >= commitDeadline { _ = flow.fail(.commitMissing, Self.commitMissingMessage) }
        switch flow.nextStep(now: now) {
        case .waitForEvents(let position, let until):
            return .flow(.waitForEvents(after: position, until: min(until, commitDeadline)))
        case .waitForRequest(let until):
            return .flow(.waitForRequest(until: name == nil ? until : min(until, commitDeadline)))
        case let step:
            return .flow(step)
        }
    }

    mutating func committed(now: Instant) { commitDeadline = now + commitTimeout }

    /// The stream's topic is the subscription's; requests have none to agree with.
    private static let place = "managed"
}
