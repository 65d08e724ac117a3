import ChangeEvents

/// The life of one topic's subscription: when to open a stream and from where, how many events to ask for, when a
/// stream counts as dead, and what to do after it ended.
///
/// Pure: no I/O, no clock, no randomness. `TopicSubscription` performs what it answers and tells it what happened.
/// Times are durations since the start of the Upstream.
struct SubscriptionStateMachine: Sendable {
    /// The service's bound of outstanding events per stream.
    static let outstandingMax = 100
    /// Asking again at half of it keeps events coming while the request travels.
    static let outstandingLow = 50

    /// Where a stream is to start.
    enum Start: Sendable, Hashable {
        case earliest
        case latest
        /// The event behind this place.
        case after(ReplayID)
    }

    /// One attempt, from the first request to the end.
    struct Stream: Sendable, Hashable {
        let start: Start
        /// Events asked for and not received.
        var outstanding: Int
        /// Events received and not stored.
        var unstored = 0
        var isStoring = false
        /// Events asked for since the last message: the service's own count may not hold them yet.
        var requestedSinceMessage: Int
        /// The last sign of life, or when a sign of life was first due.
        var activeAt: Duration
        /// The service has answered the call.
        var isAccepted = false
        var hasReceived = false
    }

    enum State: Sendable {
        /// No stream; the next may be opened at once. → preparing
        case ready
        /// Getting room, cursor and token for a stream. → open, waiting, stopped
        case preparing
        /// A stream is being opened or is open. → ready, waiting, declaringGap, stopped
        case open(Stream)
        /// The sink is being told of a gap. → ready, waiting
        case declaringGap
        /// No stream until then. → preparing
        case waiting(until: Duration, for: ErrorRule.Cure)
        /// Terminal: asked to stop, or a failure that another attempt would only repeat.
        case stopped
    }

    /// Whether failures that last are waited out (a service) or end the subscription (a tool at a terminal).
    enum Endurance: Sendable, Hashable { case waitsForEver, failsFast }

    let topic: Upstream.Topic
    let timing: Upstream.Timing
    let endurance: Endurance
    private(set) var state = State.ready
    private(set) var counts = Counts()
    /// The last failure; nil while all is well (a stored message clears it).
    private(set) var problem: UpstreamError?

    /// True once a gap was declared, until a message is stored: the stored cursor is worthless, start at EARLIEST.
    private var startsAnew = false
    /// Failures in a row, since the last stored message.
    private var failures = 0
    private var tokenRefusals = 0
    /// Asked to stop while a message was being stored.
    private var isEnding = false

    /// What happened so far; for metrics and tests.
    struct Counts: Sendable, Hashable {
        var events = 0
        var messages = 0
        /// Streams opened after the first.
        var reconnects = 0
        var streams = 0
        var gaps = 0
        var lastEventAt: Duration?
        var lastMessageAt: Duration?
    }

    init(topic: Upstream.Topic, timing: Upstream.Timing, endurance: Endurance = .waitsForEver) {
        self.topic = topic
        self.timing = timing
        self.endurance = endurance
    }

    // What to do next, between streams

    enum NextAction: Sendable, Hashable {
        /// Get room, cursor and token, then `opened`; or `ended` when that fails.
        case prepare
        case wait(Duration)
        case stop
    }

    mutating func next(now: Duration) -> NextAction {
        switch state {
        case .ready:
            state = .preparing
            return .prepare
        case .waiting(let until, _):
            guard now >= until else { return .wait(until - now) }
            state = .preparing
            return .prepare
        case .stopped:
            return .stop
        case .preparing, .open, .declaringGap:
            preconditionFailure("the shell reports the end of an attempt before it asks for the next")
        }
    }

    /// Where to start, given the stored cursor; nil: nothing is stored.
    func start(cursor: ReplayID?) -> Start {
        if startsAnew { return .earliest }
        if let cursor { return .after(cursor) }
        return topic.start == .earliest ? .earliest : .latest
    }

    /// Everything is there for a stream. Answers what its first request asks for; nil: do not open it after all.
    mutating func opened(from start: Start, room: Int, now: Duration) -> Int? {
        guard case .preparing = state, room > 0 else { return nil }
        let count = min(room, Self.outstandingMax)
        state = .open(Stream(start: start, outstanding: count, requestedSinceMessage: count, activeAt: now))
        if counts.streams > 0 { counts.reconnects += 1 }
        counts.streams += 1
        return count
    }

    // While a stream is open

    /// The service has accepted the call; messages may be long in coming.
    mutating func accepted() {
        guard case .open(var stream) = state else { return }
        stream.isAccepted = true
        state = .open(stream)
    }

    /// True when more should be asked for, so the sink's room is to be looked up.
    var needsCredit: Bool {
        guard case .open(let stream) = state else { return false }
        return stream.outstanding <= Self.outstandingLow
    }

    /// The sink has this much room. Answers how many events to ask for; nil: none for now, look again after the next
    /// message or stored batch.
    mutating func roomAvailable(_ room: Int, now: Duration) -> Int? {
        guard case .open(var stream) = state, stream.outstanding <= Self.outstandingLow else { return nil }
        let count = min(Self.outstandingMax - stream.outstanding, room - stream.outstanding - stream.unstored)
        guard count > 0 else { return nil }
        // Silence was in order while nothing was outstanding: the watch starts now.
        if stream.outstanding == 0 { stream.activeAt = now }
        stream.outstanding += count
        stream.requestedSinceMessage += count
        state = .open(stream)
        return count
    }

    enum ReceivedAction: Sendable, Hashable {
        /// Give it to the sink, then call `stored`.
        case store
        /// The subscription is ending: leave the message; it comes again.
        case leave
    }

    /// A message with `count` events; none: a keepalive. `pending` is the service's own count of outstanding events.
    mutating func received(count: Int, pending: Int, now: Duration) -> ReceivedAction {
        guard case .open(var stream) = state, !isEnding else { return .leave }
        stream.outstanding = max(0, stream.outstanding - count)
        // Our own count is ahead of the service's while a request travels; in the quiet of a keepalive the service's is
        // right.
        if count == 0, stream.requestedSinceMessage == 0 {
            stream.outstanding = min(max(0, pending), Self.outstandingMax)
        }
        stream.requestedSinceMessage = 0
        stream.unstored = count
        stream.isStoring = true
        stream.activeAt = now
        stream.hasReceived = true
        state = .open(stream)
        counts.messages += 1
        counts.events += count
        counts.lastMessageAt = now
        if count > 0 { counts.lastEventAt = now }
        return .store
    }

    /// The sink has the message, and its cursor has moved.
    mutating func stored(now: Duration) {
        startsAnew = false
        failures = 0
        tokenRefusals = 0
        problem = nil
        guard case .open(var stream) = state else { return }
        guard !isEnding else {
            state = .stopped
            return
        }
        stream.unstored = 0
        stream.isStoring = false
        // While a message was being stored nobody listened: the silence was ours.
        stream.activeAt = now
        state = .open(stream)
    }

    /// True while the sink works on a message.
    var isStoring: Bool {
        guard case .open(let stream) = state else { return false }
        return stream.isStoring
    }

    /// When to call `deadlineReached`.
    func deadline(now: Duration) -> Duration {
        guard case .open(let stream) = state, isWatched(stream) else { return now + timing.silenceMax }
        return stream.activeAt + timing.silenceMax
    }

    /// True when the stream has been silent for too long.
    func deadlineReached(now: Duration) -> Bool {
        guard case .open(let stream) = state, isWatched(stream) else { return false }
        return now - stream.activeAt >= timing.silenceMax
    }

    /// Keepalives come only while events are outstanding, and are only read while no message is being stored.
    private func isWatched(_ stream: Stream) -> Bool { stream.outstanding > 0 && !stream.isStoring }

    // After a stream

    enum End: Sendable {
        /// The service ended the stream without an error.
        case finished
        case failed(CallFailure)
        /// `deadlineReached` said so.
        case silent
        /// No session: the error of the token source.
        case loginFailed(UpstreamError)
        /// The sink threw.
        case sinkFailed(any Error)
    }

    enum EndedAction: Sendable, Hashable {
        /// Ask `next` again.
        case goOn
        /// Reject the session that was used, then ask `next` again.
        case renewToken
        /// Tell the sink, then `gapDeclared` or `ended(.sinkFailed)`.
        case declareGap(reason: String)
        /// Nothing more happens; `problem` says why.
        case stop
    }

    /// `jitter` is a random number in 0..<1.
    mutating func ended(_ end: End, now: Duration, jitter: Double) -> EndedAction {
        if case .stopped = state { return .stop }
        if isEnding { return stop() }
        var ended: Stream?
        if case .open(let stream) = state { ended = stream }

        switch end {
        case .finished:
            return resume(
                ended, UpstreamError(.unavailable, "The event bus ended the stream.", topic: topic.name), now, jitter)
        case .silent:
            problem = UpstreamError(
                .streamSilent, "Nothing came for \(timing.silenceMax), not even a keepalive.", topic: topic.name)
            return wait(.retry, now, jitter)
        case .loginFailed(let error):
            problem = error
            if error.code == .loginRefused || error.code == .configuration {
                return waitOrFail(.awaitPerson, now, jitter)
            }
            return wait(.retry, now, jitter)
        case .sinkFailed(let error):
            problem = UpstreamError(.sinkFailed, "The events could not be stored.", topic: topic.name, cause: error)
            return waitOrFail(.retry, now, jitter)
        case .failed(let failure):
            return failed(failure, of: ended, now, jitter)
        }
    }

    private mutating func failed(
        _ failure: CallFailure, of stream: Stream?, _ now: Duration, _ jitter: Double
    ) -> EndedAction {
        var cure = ErrorRule.cure(for: failure)
        // Without a stored id in the request there is no id to give up, and declaring gaps would never end.
        if cure == .declareGap, !Self.isCustom(stream?.start) { cure = .awaitPerson }
        let error = cure.error(for: failure, topic: topic.name)
        switch cure {
        case .retry:
            return resume(stream, error, now, jitter)
        case .renewToken:
            problem = error
            tokenRefusals += 1
            if tokenRefusals == 1 {
                state = .ready
            } else {
                _ = wait(.renewToken, now, jitter)
            }
            return .renewToken
        case .declareGap:
            problem = error
            guard endurance == .waitsForEver else { return stop() }
            state = .declaringGap
            return .declareGap(reason: "\(error.message) \(failure.reason)")
        case .awaitAllowance:
            problem = error
            return wait(cure, now, jitter)
        case .awaitSlot, .awaitPerson:
            problem = error
            return waitOrFail(cure, now, jitter)
        case .stop:
            problem = error
            return stop()
        }
    }

    /// After an end that is the service's right when nothing is outstanding: it gives a client 60 s to ask again, and a
    /// client whose twin has no room does not ask. Then the next stream is opened at once, when there is room.
    private mutating func resume(
        _ stream: Stream?, _ error: UpstreamError, _ now: Duration, _ jitter: Double
    ) -> EndedAction {
        if let stream, stream.outstanding == 0, stream.hasReceived {
            state = .ready
            return .goOn
        }
        problem = error
        return wait(.retry, now, jitter)
    }

    private mutating func waitOrFail(_ cure: ErrorRule.Cure, _ now: Duration, _ jitter: Double) -> EndedAction {
        endurance == .failsFast ? stop() : wait(cure, now, jitter)
    }

    private mutating func wait(_ cure: ErrorRule.Cure, _ now: Duration, _ jitter: Double) -> EndedAction {
        let pace =
            switch cure {
            case .retry, .declareGap, .stop: timing.retryPace
            case .renewToken, .awaitAllowance: timing.limitPace
            case .awaitSlot: timing.slotPace
            case .awaitPerson: timing.refusedPace
            }
        state = .waiting(until: now + pace.delay(failures: failures, jitter: jitter), for: cure)
        failures += 1
        return .goOn
    }

    private mutating func stop() -> EndedAction {
        state = .stopped
        return .stop
    }

    private static func isCustom(_ start: Start?) -> Bool {
        switch start {
        case .after: true
        case .earliest, .latest, nil: false
        }
    }

    /// The sink knows of the gap: from EARLIEST on.
    mutating func gapDeclared() {
        guard case .declaringGap = state else { return }
        counts.gaps += 1
        startsAnew = true
        state = .ready
    }

    // The end

    /// Graceful: no further message is taken and no further stream opened. A message that is being stored may finish:
    /// `isStoring` tells.
    mutating func shutDown() {
        isEnding = true
        if !isStoring { state = .stopped }
    }
}
