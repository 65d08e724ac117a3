import ChangeEvents
import Store
import Synchronization
import Twin
import Waiting

@testable import Doors

/// A streaming org: `FakeBus` for the events, a clock that the test moves, and refusals on demand.
final class FakeStreaming: BayeuxService {
    struct State {
        var now: Int64 = 1_771_300_995_250
        var opened: Set<String> = []
        var subscribed: [String] = []
        var openFailure: EventBusError?
        var startFailure: EventBusError?
        var tokens: [String: TokenStanding] = [
            "token": .valid(BusCaller(userID: "005A", organizationID: "00D")),
            "other": .valid(BusCaller(userID: "005B", organizationID: "00D")),
            "old": .expired(BusCaller(userID: "005A", organizationID: "00D")),
        ]
        /// The next read of `slowChannel` raises `slowReached` and waits for `slowGate`.
        var isSlowOnce = false

        mutating func takeSlowness() -> Bool {
            defer { isSlowOnce = false }
            return isSlowOnce
        }
    }

    /// A channel without events.
    static let slowChannel = "/event/Slow__e"
    let slowReached = Signal()
    let slowGate = Signal()

    let bus = FakeBus()
    let state = Mutex(State())

    func advance(_ milliseconds: Int64) { state.withLock { $0.now += milliseconds } }

    func standing(ofToken accessToken: String) async -> TokenStanding {
        state.withLock { $0.tokens[accessToken] ?? .unknown }
    }

    func clientOpened(_ client: String, caller: BusCaller) throws(EventBusError) {
        let failure = state.withLock { state -> EventBusError? in
            if state.openFailure == nil { state.opened.insert(client) }
            return state.openFailure
        }
        if let failure { throw failure }
    }

    func clientClosed(_ client: String, caller: BusCaller) { state.withLock { _ = $0.opened.remove(client) } }

    func clientSubscribed(_ client: String, channel: String, caller: BusCaller) {
        state.withLock { $0.subscribed.append(channel) }
    }

    func clientUnsubscribed(_ client: String, channel: String, caller: BusCaller) {
        state.withLock { state in state.subscribed.removeAll { $0 == channel } }
    }

    func now() -> Int64 { state.withLock { $0.now } }

    func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        try await bus.authorize(accessToken: accessToken, instanceURL: instanceURL, tenantID: tenantID)
    }

    func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        try await bus.topic(name, caller: caller)
    }

    func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        throw EventBusError(code: .schemaInvalid, message: "unknown")
    }

    func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        if let failure = state.withLock({ $0.startFailure }) { throw failure }
        return try await bus.start(topic: topic, from: from, caller: caller)
    }

    func read(topic: String, after: Position, limit: Int, caller: BusCaller) async throws(EventBusError) -> BusRead {
        try await bus.read(topic: topic, after: after, limit: limit, caller: caller)
    }

    func startChannel(_ channel: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        if channel == Self.slowChannel { return .start }
        return try await start(topic: channel, from: from, caller: caller)
    }

    func readChannel(
        _ channel: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        if channel == Self.slowChannel, state.withLock({ $0.takeSlowness() }) {
            slowReached.raise()
            await slowGate.wait()
        }
        return try await read(topic: channel, after: after, limit: limit, caller: caller)
    }

    func lookTicket() -> LookTicket { bus.lookTicket() }

    func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async {
        await bus.waitForEvents(after: after, since: look, timeout: timeout)
    }

    func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer {
        try await bus.publish(topic: topic, events: events, caller: caller)
    }

    func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot {
        try await bus.openManaged(name, caller: caller)
    }

    func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        try await bus.readManaged(slot, after: after, limit: limit, caller: caller)
    }

    func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64 {
        try await bus.commitManaged(slot, replayID: replayID)
    }

    func closeManaged(_ slot: ManagedSlot) async { await bus.closeManaged(slot) }
}
