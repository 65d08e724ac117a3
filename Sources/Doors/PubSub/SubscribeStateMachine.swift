internal import ChangeEvents
internal import Store

/// One Subscribe stream of the Pub/Sub API: how many events the client may still be sent, from where, and when the stream
/// says that it is alive or ends.
///
///     awaitingFirstRequest ── fetchRequested ──► starting ── started ──► delivering ──► ended
///
/// Rules (Salesforce's): the first request fixes topic and start; requests add up to at most `outstandingMax`; never more
/// events than asked for; a keepalive when events are asked for and nothing was sent for `keepaliveInterval`; when all are
/// delivered the client has `requestTimeout` to ask again, otherwise the stream ends. After the client has closed its side
/// the stream delivers what is there, as far as it was asked for, and ends.
///
/// A pure state machine. The caller asks `nextStep`, does it, and reports what came of it; requests and endings may be
/// reported at any time between, and answer whether a waiting caller must ask again.
struct SubscribeStateMachine {
    typealias Instant = ContinuousClock.Instant

    /// Salesforce's bound of outstanding events per stream.
    static let outstandingMax = 100

    struct Timing: Sendable, Hashable {
        /// Salesforce promises at most 270 s, and was seen to use 60 and 120.
        var keepaliveInterval: Duration
        /// How long a client may wait with its next request once everything is delivered.
        var requestTimeout: Duration
    }

    /// A `FetchRequest`.
    struct Request: Hashable, Sendable {
        enum Preset: Hashable, Sendable {
            case latest, earliest, custom
            case unknown(Int)
        }
        var topic: String
        var preset: Preset
        var replayID: [UInt8]
        var count: Int
    }

    enum Step: Hashable, Sendable {
        /// Find where the subscription begins, then `started`.
        case start(topic: String, from: ReplayStart)
        /// Read, then `eventsRead`, and send what that answers.
        case read(topic: String, after: Position, limit: Int)
        /// Call `takeQueued` and send what that answers: events that were read when fewer had been asked for.
        case sendQueued
        /// Send a message without events.
        case sendKeepalive(latestReplayID: ReplayID, pending: Int)
        /// Until there may be events after the position, or the deadline, or `wakes` was answered.
        case waitForEvents(after: Position, until: Instant)
        /// Until the deadline, or `wakes` was answered.
        case waitForRequest(until: Instant)
        case end(Ending)
    }

    enum Ending: Hashable, Sendable {
        case completed
        case failed(EventBusError.Code, message: String)
    }

    private struct Delivery {
        var topic: String
        var position: Position
        /// Nil until the first read.
        var latestReplayID: ReplayID?
        /// Sizes of events that were read and not yet asked for: an event that is split per record brings more than one.
        var queued: [Int] = []
        /// Nothing was there at the last read.
        var isDrained = false
        var keepaliveDeadline: Instant
    }

    private enum State {
        case awaitingFirstRequest
        /// The first request is here, the position is not.
        case starting(topic: String, from: ReplayStart)
        case delivering(Delivery)
        case ended(Ending)
    }

    private let timing: Timing
    private var state = State.awaitingFirstRequest
    /// Events asked for and not yet sent.
    private(set) var pending = 0
    /// Counts while `pending` is 0.
    private var requestDeadline: Instant
    private var isInputClosed = false

    /// The first request is here, and the place to begin is not known yet.
    var isStarting: Bool {
        if case .starting = state { true } else { false }
    }

    init(timing: Timing, now: Instant) {
        self.timing = timing
        requestDeadline = now + timing.requestTimeout
    }

    // MARK: What the client does

    /// Answers whether a waiting caller must ask for its next step.
    mutating func fetchRequested(_ request: Request) -> Bool {
        switch state {
        case .ended:
            return false
        case .awaitingFirstRequest:
            guard !request.topic.isEmpty else { return fail(.topicNotFound, "The topic name can't be blank.") }
            guard let from = replayStart(of: request) else { return true }
            state = .starting(topic: request.topic, from: from)
        case .starting(let topic, _):
            guard isSame(topic, request) else { return true }
        case .delivering(let delivery):
            guard isSame(delivery.topic, request) else { return true }
        }
        guard request.count > 0 else {
            return fail(
                .fetchCountInvalid, "The number of requested events must be greater than 0, not \(request.count).")
        }
        let wasWaiting = pending == 0
        pending = min(Self.outstandingMax, pending + min(Self.outstandingMax, request.count))
        return wasWaiting
    }

    /// The client has closed its side. Answers whether a waiting caller must ask for its next step.
    mutating func inputClosed() -> Bool {
        isInputClosed = true
        if case .delivering(var delivery) = state {
            // What came since the last read still goes out.
            delivery.isDrained = false
            state = .delivering(delivery)
        }
        return true
    }

    /// The stream cannot go on. Always answers true; the first failure counts.
    mutating func fail(_ code: EventBusError.Code, _ message: String) -> Bool {
        if case .ended = state { return true }
        state = .ended(.failed(code, message: message))
        return true
    }

    // MARK: What the caller did

    /// What to do now.
    mutating func nextStep(now: Instant) -> Step {
        switch state {
        case .ended(let ending):
            return .end(ending)
        case .awaitingFirstRequest:
            return isInputClosed || now >= requestDeadline ? finish() : .waitForRequest(until: requestDeadline)
        case .starting(let topic, let from):
            return .start(topic: topic, from: from)
        case .delivering(var delivery):
            if pending == 0 {
                return isInputClosed || now >= requestDeadline ? finish() : .waitForRequest(until: requestDeadline)
            }
            if !delivery.queued.isEmpty { return .sendQueued }
            guard delivery.isDrained else {
                return .read(topic: delivery.topic, after: delivery.position, limit: pending)
            }
            if isInputClosed { return finish() }
            if now >= delivery.keepaliveDeadline, let latest = delivery.latestReplayID {
                delivery.keepaliveDeadline = now + timing.keepaliveInterval
                state = .delivering(delivery)
                return .sendKeepalive(latestReplayID: latest, pending: pending)
            }
            return .waitForEvents(after: delivery.position, until: delivery.keepaliveDeadline)
        }
    }

    mutating func started(at position: Position, now: Instant) {
        guard case .starting(let topic, _) = state else { return }
        state = .delivering(
            Delivery(topic: topic, position: position, keepaliveDeadline: now + timing.keepaliveInterval))
    }

    /// There may be events again, or a deadline has come: the next step is a read.
    mutating func waited(now: Instant) {
        guard case .delivering(var delivery) = state, now < delivery.keepaliveDeadline else { return }
        delivery.isDrained = false
        state = .delivering(delivery)
    }

    /// Takes over what a read brought; answers the events to send, as lengths of consecutive messages with the number that
    /// stays outstanding after each.
    ///
    /// - Parameter sizes: the size of each event in its message.
    mutating func eventsRead(
        sizes: [Int], reached: Position, latestReplayID: ReplayID, messageBytesMax: Int, now: Instant
    ) -> [(count: Int, pending: Int)] {
        guard case .delivering(var delivery) = state else { return [] }
        delivery.position = max(delivery.position, reached)
        delivery.latestReplayID = latestReplayID
        delivery.isDrained = sizes.isEmpty
        delivery.queued += sizes
        state = .delivering(delivery)
        return takeQueued(messageBytesMax: messageBytesMax, now: now)
    }

    /// As many of the events that were read as the client has asked for.
    mutating func takeQueued(messageBytesMax: Int, now: Instant) -> [(count: Int, pending: Int)] {
        guard case .delivering(var delivery) = state, !delivery.queued.isEmpty else { return [] }
        let sizes = delivery.queued.prefix(pending)
        delivery.queued.removeFirst(sizes.count)
        delivery.keepaliveDeadline = now + timing.keepaliveInterval
        state = .delivering(delivery)

        var messages: [(count: Int, pending: Int)] = []
        var count = 0
        var bytes = 0
        for size in sizes {
            if count > 0, bytes + size > messageBytesMax {
                pending -= count
                messages.append((count, pending))
                count = 0
                bytes = 0
            }
            count += 1
            bytes += size
        }
        if count > 0 {
            pending -= count
            messages.append((count, pending))
        }
        if pending == 0 { requestDeadline = now + timing.requestTimeout }
        return messages
    }

    private mutating func finish() -> Step {
        state = .ended(.completed)
        return .end(.completed)
    }

    /// A later request may leave the topic out, or repeat it.
    private mutating func isSame(_ topic: String, _ request: Request) -> Bool {
        guard request.topic.isEmpty || request.topic == topic else {
            _ = fail(
                .topicChanged,
                "The topic of a stream can't change: it is '\(topic)', and this request names '\(request.topic)'.")
            return false
        }
        return true
    }

    private mutating func replayStart(of request: Request) -> ReplayStart? {
        switch request.preset {
        case .latest: return .latest
        case .earliest: return .earliest
        case .custom where !request.replayID.isEmpty: return .after(ReplayID(bytes: request.replayID))
        case .custom:
            _ = fail(.replayIDMissing, "Replay ID validation failed. The replay ID can't be blank with preset CUSTOM.")
            return nil
        case .unknown(let number):
            _ = fail(.replayIDMissing, "Replay ID validation failed. \(number) is not a replay preset.")
            return nil
        }
    }
}
