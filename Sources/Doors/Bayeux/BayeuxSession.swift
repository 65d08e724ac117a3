internal import Store

/// The life of one CometD client between its handshake and its end. A pure state machine: time comes in as milliseconds,
/// what is to be done comes out. Owned by `BayeuxSessions`, under its lock.
///
/// Nothing is queued for a client: the session holds a place in the log per subscription, and a connect reads from there.
/// A client that stops asking costs its places and is dropped when its time is over.
struct BayeuxSession: Sendable {
    struct Timing: Hashable, Sendable {
        /// How long a connect is held when there is nothing to say.
        var holdMilliseconds: Int64 = 110_000
        /// The next connect must come this soon after the answer to the last one (or to the handshake).
        var reconnectMilliseconds: Int64 = 40_000
    }

    struct Subscription: Hashable, Sendable {
        var channel: String
        /// Events after this place are still to be sent.
        var position: Position
        /// Tells a subscription from a later one to the same channel.
        var number: UInt64
    }

    private enum State {
        /// No connect is here; the client has until then (inclusive). From a handshake or the answer of a connect.
        case awaitingConnect(until: Int64)
        /// A connect is here. Only the newest ticket counts: an older connect was overtaken.
        case connected(ticket: UInt64)
        /// Ended by the client.
        case closed
    }

    enum ConnectAction: Hashable, Sendable {
        /// Answer with what there is, now. The first connect of a session also gets the advice.
        case answer(ticket: UInt64, withAdvice: Bool)
        /// Answer when there are events, and at this time at the latest.
        case hold(ticket: UInt64, until: Int64)
        case refuse
    }

    enum ReadPlan: Hashable, Sendable {
        case read([Subscription])
        /// Another connect of the same session has come.
        case overtaken
        case closed
    }

    let clientID: String
    var caller: BusCaller
    /// The value of the session cookie.
    let cookie: String
    /// Replay maps count: the handshake has not declined the extension.
    let hasReplay: Bool
    let timing: Timing
    private(set) var subscriptions: [Subscription] = []
    private var state: State
    private var hasConnected = false
    private var lastNumber: UInt64 = 0

    init(clientID: String, caller: BusCaller, cookie: String, hasReplay: Bool, timing: Timing, now: Int64) {
        self.clientID = clientID
        self.caller = caller
        self.cookie = cookie
        self.hasReplay = hasReplay
        self.timing = timing
        state = .awaitingConnect(until: now + timing.reconnectMilliseconds)
    }

    /// The client's time is over: forget it.
    func isOver(now: Int64) -> Bool {
        switch state {
        case .awaitingConnect(let until): now > until
        case .connected: false
        case .closed: true
        }
    }

    /// `adviceTimeout`: what the client's message says; 0 asks for an answer at once.
    mutating func connectReceived(adviceTimeout: Int64?, now: Int64) -> ConnectAction {
        if isOver(now: now) { return .refuse }
        lastNumber += 1
        state = .connected(ticket: lastNumber)
        if !hasConnected {
            hasConnected = true
            return .answer(ticket: lastNumber, withAdvice: true)
        }
        if adviceTimeout == 0 { return .answer(ticket: lastNumber, withAdvice: true) }
        return .hold(ticket: lastNumber, until: now + timing.holdMilliseconds)
    }

    /// What the connect with this ticket is to read next.
    func plan(ticket: UInt64) -> ReadPlan {
        switch state {
        case .connected(let current): current == ticket ? .read(subscriptions) : .overtaken
        case .awaitingConnect: .overtaken
        case .closed: .closed
        }
    }

    /// Everything up to a place was read for the connect with this ticket. False: the events must not be sent, because
    /// another connect is reading them as well, or the subscription is no longer there.
    mutating func wasRead(_ subscription: Subscription, to position: Position, ticket: UInt64) -> Bool {
        guard case .connected(let current) = state, current == ticket,
            let index = subscriptions.firstIndex(where: { $0.number == subscription.number })
        else { return false }
        subscriptions[index].position = max(subscriptions[index].position, position)
        return true
    }

    /// The answer of the connect with this ticket leaves now.
    mutating func connectAnswered(ticket: UInt64, now: Int64) {
        guard case .connected(let current) = state, current == ticket else { return }
        state = .awaitingConnect(until: now + timing.reconnectMilliseconds)
    }

    /// Subscribing again to a channel moves its place.
    mutating func subscribed(to channel: String, at position: Position) {
        lastNumber += 1
        let subscription = Subscription(channel: channel, position: position, number: lastNumber)
        if let index = subscriptions.firstIndex(where: { $0.channel == channel }) {
            subscriptions[index] = subscription
        } else {
            subscriptions.append(subscription)
        }
    }

    /// False when there was no such subscription.
    mutating func unsubscribed(from channel: String) -> Bool {
        guard let index = subscriptions.firstIndex(where: { $0.channel == channel }) else { return false }
        subscriptions.remove(at: index)
        return true
    }

    mutating func disconnected() { state = .closed }
}
