internal import Store
internal import Synchronization
internal import Waiting

/// All CometD sessions of a door, under one lock that is held for a transition and never across a wait.
///
/// Sessions whose time is over are found when somebody calls (a handshake, a message): no task or timer waits for them, and
/// they hold nothing but places in the log.
final class BayeuxSessions: Sendable {
    struct Limits: Sendable {
        /// Sessions of this door, whatever the org allows: a bound of memory.
        var sessionsMax = 20_000
        /// Subscriptions of one session; an org's own bound is far lower.
        var subscriptionsPerSessionMax = 200
        /// Subscribers of one channel.
        var subscribersPerChannelMax = 2_000
        /// How often the sessions are looked through, at most.
        var sweepMilliseconds: Int64 = 1_000
    }

    private struct Entry {
        var session: BayeuxSession
        /// Of the connect that is here.
        var wakeup = Signal()
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var subscribers: [String: Int] = [:]
        var sweptAt: Int64 = .min
        var isShuttingDown = false
    }

    private let service: any BayeuxService
    private let limits: Limits
    private let state = Mutex(State())

    init(service: any BayeuxService, limits: Limits) {
        self.service = service
        self.limits = limits
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Adds a session that the org has allowed.
    func open(_ session: BayeuxSession) throws(BayeuxError) {
        let isAdded = state.withLock { state -> Bool in
            guard state.entries.count < limits.sessionsMax else { return false }
            state.entries[session.clientID] = Entry(session: session)
            return true
        }
        if !isAdded { throw .tooManyConnections }
    }

    /// Looks at a session, after forgetting it if its time is over. Nil: there is none.
    func session(_ clientID: String, now: Int64) -> BayeuxSession? {
        let (found, dropped) = state.withLock { state -> (BayeuxSession?, BayeuxSession?) in
            guard let session = state.entries[clientID]?.session else { return (nil, nil) }
            guard session.isOver(now: now) else { return (session, nil) }
            Self.remove(session, &state)
            return (nil, session)
        }
        if let dropped { tellClosed(dropped) }
        return found
    }

    /// Forgets every session whose time is over. `isForced`: even if that was done a moment ago.
    func sweep(now: Int64, isForced: Bool = false) {
        let dropped = state.withLock { state -> [BayeuxSession] in
            let isDue =
                isForced || state.sweptAt == .min || now < state.sweptAt
                || now - state.sweptAt >= limits.sweepMilliseconds
            guard isDue else { return [] }
            state.sweptAt = now
            let over = state.entries.values.map(\.session).filter { $0.isOver(now: now) }
            for session in over { Self.remove(session, &state) }
            return over
        }
        for session in dropped { tellClosed(session) }
    }

    /// A connect has come: what to do, and what wakes it. A connect that was here before is woken, and finds itself
    /// overtaken.
    func connectReceived(
        _ clientID: String, adviceTimeout: Int64?, now: Int64
    ) -> (action: BayeuxSession.ConnectAction, wakeup: Signal)? {
        let (answer, previous) = state.withLock {
            state -> ((action: BayeuxSession.ConnectAction, wakeup: Signal)?, Signal?) in
            guard var entry = state.entries[clientID] else { return (nil, nil) }
            let action = entry.session.connectReceived(adviceTimeout: adviceTimeout, now: now)
            let previous = entry.wakeup
            entry.wakeup = Signal()
            state.entries[clientID] = entry
            return ((action, entry.wakeup), previous)
        }
        previous?.raise()
        return answer
    }

    /// What a connect is to read; a session that is gone is closed.
    func plan(_ clientID: String, ticket: UInt64) -> BayeuxSession.ReadPlan {
        state.withLock { $0.entries[clientID]?.session.plan(ticket: ticket) ?? .closed }
    }

    /// `BayeuxSession.wasRead` for each of them, at one moment.
    func wereRead(
        _ clientID: String, _ reads: [(subscription: BayeuxSession.Subscription, reached: Position)], ticket: UInt64
    ) -> [Bool] {
        state.withLock { state in
            reads.map { read in
                state.entries[clientID]?.session.wasRead(read.subscription, to: read.reached, ticket: ticket) ?? false
            }
        }
    }

    func connectAnswered(_ clientID: String, ticket: UInt64, now: Int64) {
        state.withLock { $0.entries[clientID]?.session.connectAnswered(ticket: ticket, now: now) }
    }

    func subscribed(_ clientID: String, to channel: String, at position: Position) throws(BayeuxError) {
        enum Outcome { case done(BusCaller, Signal, isNew: Bool), refused(BayeuxError) }
        let outcome = state.withLock { state -> Outcome in
            guard var entry = state.entries[clientID] else { return .refused(.unknownClient) }
            let isNew = !entry.session.subscriptions.contains { $0.channel == channel }
            if isNew {
                guard state.subscribers[channel, default: 0] < limits.subscribersPerChannelMax,
                    entry.session.subscriptions.count < limits.subscriptionsPerSessionMax
                else { return .refused(.topicLimit) }
                state.subscribers[channel, default: 0] += 1
            }
            entry.session.subscribed(to: channel, at: position)
            state.entries[clientID] = entry
            return .done(entry.session.caller, entry.wakeup, isNew: isNew)
        }
        switch outcome {
        case .done(let caller, let wakeup, let isNew):
            if isNew { service.clientSubscribed(clientID, channel: channel, caller: caller) }
            wakeup.raise()
        case .refused(let error): throw error
        }
    }

    /// False when there was no such subscription.
    func unsubscribed(_ clientID: String, from channel: String) -> Bool {
        let caller = state.withLock { state -> BusCaller? in
            guard state.entries[clientID]?.session.unsubscribed(from: channel) == true else { return nil }
            Self.leave(channel, &state)
            return state.entries[clientID]?.session.caller
        }
        guard let caller else { return false }
        service.clientUnsubscribed(clientID, channel: channel, caller: caller)
        return true
    }

    func disconnected(_ clientID: String) {
        let entry = state.withLock { state -> Entry? in
            guard var entry = state.entries[clientID] else { return nil }
            entry.session.disconnected()
            Self.remove(entry.session, &state)
            return entry
        }
        guard let entry else { return }
        entry.wakeup.raise()
        tellClosed(entry.session)
    }

    /// From now on no connect is held; those that are here answer.
    func shutDown() {
        let wakeups = state.withLock { state -> [Signal] in
            state.isShuttingDown = true
            return state.entries.values.map(\.wakeup)
        }
        for wakeup in wakeups { wakeup.raise() }
    }

    var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

    private func tellClosed(_ session: BayeuxSession) {
        for subscription in session.subscriptions {
            service.clientUnsubscribed(session.clientID, channel: subscription.channel, caller: session.caller)
        }
        service.clientClosed(session.clientID, caller: session.caller)
    }

    private static func remove(_ session: BayeuxSession, _ state: inout State) {
        state.entries[session.clientID] = nil
        for subscription in session.subscriptions { leave(subscription.channel, &state) }
    }

    private static func leave(_ channel: String, _ state: inout State) {
        guard let count = state.subscribers[channel] else { return }
        state.subscribers[channel] = count > 1 ? count - 1 : nil
    }
}
