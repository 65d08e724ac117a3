import ChangeEvents
import Synchronization
import TestSupport

@testable import Upstream

/// A sink that stores in memory, with events and cursor moving together, and can be slow, full or broken.
final class FakeSink: EventSink {
    struct Broken: Error {}

    struct Gap: Sendable {
        var topic: String
        var reason: String
        /// How many events the topic had when the gap was declared.
        var eventCount: Int
    }

    struct State: Sendable {
        var events: [String: [ReceivedEvent]] = [:]
        var cursors: [String: ReplayID] = [:]
        var schemas: Set<SchemaID> = []
        var gaps: [Gap] = []
        var room = 200
        var roomFailuresToCome = 0
        var receiveFailuresToCome = 0
        var receiveCalls = 0
        var isHolding = false
        var unknownWhenReceived: [SchemaID] = []
    }

    private let state = Mutex(State())
    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

    func events(_ topic: String) -> [ReceivedEvent] { change { $0.events[topic] ?? [] } }
    func counters(_ topic: String) -> [UInt64] { events(topic).compactMap(\.replayID.counter) }
    func count(_ topic: String) -> Int { change { $0.events[topic]?.count ?? 0 } }
    func storedCursor(_ topic: String) -> UInt64? { change { $0.cursors[topic]?.counter } }
    var gaps: [Gap] { change { $0.gaps } }

    func room(for topic: String) async throws -> Int {
        let fails = change { state in
            guard state.roomFailuresToCome > 0 else { return false }
            state.roomFailuresToCome -= 1
            return true
        }
        if fails { throw Broken() }
        return try await pollValue("room", deadline: .seconds(60)) {
            try Task.checkCancellation()
            return change { $0.room > 0 ? $0.room : nil }
        }
    }

    func cursor(for topic: String) async throws -> ReplayID? { change { $0.cursors[topic] } }

    func knowsSchema(_ id: SchemaID) async throws -> Bool { change { $0.schemas.contains(id) } }

    func learn(_ schema: EventSchema) async throws { change { _ = $0.schemas.insert(schema.id) } }

    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws {
        let fails = change { state in
            state.receiveCalls += 1
            guard state.receiveFailuresToCome > 0 else { return false }
            state.receiveFailuresToCome -= 1
            return true
        }
        if fails { throw Broken() }
        try await poll("released", deadline: .seconds(60)) {
            try Task.checkCancellation()
            return !change { $0.isHolding }
        }
        change { state in
            state.unknownWhenReceived += events.map(\.schemaID).filter { !state.schemas.contains($0) }
            state.events[topic, default: []] += events
            if let latestReplayID { state.cursors[topic] = latestReplayID }
        }
    }

    func declareGap(topic: String, reason: String) async throws {
        change { state in
            state.gaps.append(Gap(topic: topic, reason: reason, eventCount: state.events[topic]?.count ?? 0))
        }
    }
}
