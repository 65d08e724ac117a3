import ChangeEvents
import NIOCore
import Store
import Synchronization
import Twin
import Waiting

@testable import Doors

/// An event bus in memory: events of any topic in one order, as an org has them.
final class FakeBus: EventBus {
    struct State {
        var events: [ArrivedEvent] = []
        var waiting: [Int: Signal] = [:]
        var nextTicket = 0
        /// What was published, by topic.
        var published: [String: [ProducedEvent]] = [:]
        /// Committed by managed subscriptions, oldest first.
        var commits: [ReplayID] = []
        var managedToken: String?
        /// How many times each event of a read comes, as if split per record.
        var copies = 1
        /// Thrown by the next read.
        var readFailure: EventBusError?
        /// Thrown by the read after the next, which everybody is woken for while the next is still under way.
        var laterReadFailure: EventBusError?
        /// How often everybody was woken.
        var wakes: UInt64 = 0
        /// The largest number of events that one read was asked for, and how many reads there were.
        var limits: [Int] = []
    }

    static let topic = "/data/AccountChangeEvent"
    static let schemaID = "i8wgJwwM-AVcDbFkbRl5Nw"
    /// The counter of the first event's replay id; event `n` (from 0) has this plus `n`.
    static let firstCounter: UInt64 = 1_544_272

    let state = Mutex(State())

    func publish(_ count: Int, topic: String = FakeBus.topic, payloadBytes: Int = 16) {
        let waiting = state.withLock { state -> [Signal] in
            for _ in 0..<count {
                let number = state.events.count
                let event = ReceivedEvent(
                    topic: topic, replayID: Self.replayID(number), eventID: "event-\(number)",
                    schemaID: SchemaID(Self.schemaID),
                    payload: ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: payloadBytes))
                state.events.append(
                    ArrivedEvent(position: Position(rawValue: Int64(number) + 1), event: event, receivedAt: 0))
            }
            return Array(state.waiting.values)
        }
        for wakeup in waiting { wakeup.raise() }
    }

    static func replayID(_ number: Int) -> ReplayID { ReplayID(counter: firstCounter + UInt64(number)) }

    func failNextRead(_ error: EventBusError) {
        let waiting = state.withLock { state -> [Signal] in
            state.readFailure = error
            state.wakes += 1
            return Array(state.waiting.values)
        }
        for wakeup in waiting { wakeup.raise() }
    }

    /// As `failNextRead` would, called between the next read and the wait behind it.
    func failReadAfterNext(_ error: EventBusError) { state.withLock { $0.laterReadFailure = error } }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        guard accessToken == "token", instanceURL == "https://x.my.salesforce.com", tenantID == "00D000000000001AAA"
        else {
            throw EventBusError(code: .unauthenticated, message: "The access token, instance URL or tenant is invalid.")
        }
        return BusCaller(userID: "005000000000001AAA", organizationID: "00D000000000001AAA")
    }

    func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        guard name == Self.topic else { throw EventBusError(code: .topicNotFound, message: "No topic \(name).") }
        return TopicDescription(
            name: name, tenantGUID: "core/test/00D000000000001AAA", canPublish: false, canSubscribe: true,
            schemaID: Self.schemaID)
    }

    func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        guard id == Self.schemaID else {
            throw EventBusError(code: .schemaInvalid, message: "Schema validation failed.")
        }
        return #"{"type":"record"}"#
    }

    func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        guard topic == Self.topic else { throw EventBusError(code: .topicNotFound, message: "No topic \(topic).") }
        let count = state.withLock { $0.events.count }
        switch from {
        case .earliest: return .start
        case .latest: return Position(rawValue: Int64(count))
        case .after(let id):
            guard let counter = id.counter, counter >= Self.firstCounter, counter < Self.firstCounter + UInt64(count)
            else {
                throw EventBusError(code: .replayIDCorrupted, message: "The replay ID is corrupted.")
            }
            return Position(rawValue: Int64(counter - Self.firstCounter) + 1)
        }
    }

    func read(topic: String, after: Position, limit: Int, caller: BusCaller) async throws(EventBusError) -> BusRead {
        let result = state.withLock { state -> Result<BusRead, EventBusError> in
            state.limits.append(limit)
            if let failure = state.readFailure {
                state.readFailure = nil
                return .failure(failure)
            }
            if let failure = state.laterReadFailure {
                state.laterReadFailure = nil
                state.readFailure = failure
                state.wakes += 1
            }
            let later = state.events.drop { $0.position <= after }
            let copies = state.copies
            let found = later.filter { $0.event.topic == topic }.prefix(limit)
                .flatMap { Array(repeating: $0, count: copies) }
            if found.count >= limit, let last = found.last {
                return .success(BusRead(events: found, reached: last.position, latestReplayID: last.event.replayID))
            }
            let reached = state.events.last?.position ?? .start
            let latest = state.events.last?.event.replayID ?? ReplayID(counter: Self.firstCounter - 1)
            return .success(BusRead(events: found, reached: max(after, reached), latestReplayID: latest))
        }
        return try result.get()
    }

    func lookTicket() -> LookTicket { state.withLock { LookTicket(wakes: $0.wakes) } }

    func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async {
        let wakeup = Signal()
        let ticket = state.withLock { state -> Int? in
            if let last = state.events.last, last.position > after { return nil }
            if look != LookTicket(wakes: state.wakes) { return nil }
            state.nextTicket += 1
            state.waiting[state.nextTicket] = wakeup
            return state.nextTicket
        }
        guard let ticket else { return }
        await wakeup.wait(until: .now + timeout)
        state.withLock { _ = $0.waiting.removeValue(forKey: ticket) }
    }

    /// Refuses events without payload.
    func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer {
        guard topic == Self.event else {
            throw EventBusError(code: .permissionDenied, message: "The topic \(topic) can't be published to.")
        }
        let results = events.enumerated().map { index, event in
            PublishAnswer.Result(
                replayID: event.payload.readableBytes > 0 ? Self.replayID(index) : nil,
                message: event.payload.readableBytes > 0 ? nil : "empty",
                correlationKey: event.id.isEmpty ? "made-\(index)" : event.id)
        }
        state.withLock { $0.published[topic, default: []] += events }
        return PublishAnswer(results: results, schemaID: Self.schemaID)
    }

    static let event = "/event/Low_Charge__e"
    static let managed = "Mirror"

    func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot {
        guard name.developerName == Self.managed else {
            throw EventBusError(code: .managedNotFound, message: "The managed subscription does not exist.")
        }
        let token = state.withLock { state -> String? in
            guard state.managedToken == nil else { return nil }
            state.nextTicket += 1
            state.managedToken = "token-\(state.nextTicket)"
            return state.managedToken
        }
        guard let token else {
            throw EventBusError(code: .managedAlreadyActive, message: "The managed subscription is already active.")
        }
        return ManagedSlot(subscriptionID: "18x000000000001AAA", topic: Self.topic, position: .start, token: token)
    }

    func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        try await read(topic: slot.topic, after: after, limit: limit, caller: caller)
    }

    func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64 {
        guard replayID.counter != nil else {
            throw EventBusError(code: .replayIDCorrupted, message: "The replay ID is corrupted.")
        }
        state.withLock { $0.commits.append(replayID) }
        return 1_771_300_995_250
    }

    func closeManaged(_ slot: ManagedSlot) async {
        state.withLock { if $0.managedToken == slot.token { $0.managedToken = nil } }
    }
}
