import ChangeEvents
import NIOCore
import Store
import Synchronization

/// A platform event, judged and encoded, that waits for its replay id.
struct PendingEvent: Sendable {
    /// `Order_Event__e`
    var name: String
    /// The event's UUID.
    var id: String
    var schemaID: SchemaID
    var payload: ByteBuffer

    var topic: String { "/event/\(name)" }

    /// Appends events to the log, in their order; answers their replay ids.
    @discardableResult
    static func append(
        _ events: [PendingEvent], counters: inout OrgCounters, into writer: any StoreWriter, receivedAt: Int64
    ) throws -> [ReplayID] {
        var ids: [ReplayID] = []
        for pending in events {
            let replayID = counters.nextReplayID(skipping: 0)
            let event = ReceivedEvent(
                topic: pending.topic, replayID: replayID, eventID: pending.id, schemaID: pending.schemaID,
                payload: pending.payload)
            try BusHead.keepPlace(writer)
            _ = try writer.append(
                NewEvent(
                    event: event, eventName: pending.name, routing: nil, transitions: [], receivedAt: receivedAt))
            ids.append(replayID)
        }
        if let last = ids.last { try BusHead.write(last, writer) }
        return ids
    }

    static func counts(_ events: [PendingEvent]) -> [String: Int] {
        Dictionary(events.map { ($0.name, 1) }, uniquingKeysWith: +)
    }
}

/// The platform events of one transaction: those that go out with its commit, and those that go out whatever becomes of
/// it.
///
/// Made before the transaction begins and still there when it has failed. Thread-safe, though used by one at a time.
final class EventOutbox: Sendable {
    private struct State {
        var schemas: [String: EventSchema] = [:]
        /// In the order of publishing.
        var pending: [(event: PendingEvent, isImmediate: Bool)] = []
    }

    let usage: EventUsage
    /// `REST_API`; what the usage metric calls the publisher.
    let client: String
    /// Milliseconds since 1970: an event's `CreatedDate` has them.
    let now: Int64
    private let state = Mutex(State())

    init(usage: EventUsage, client: String, now: Int64) {
        self.usage = usage
        self.client = client
        self.now = now
    }

    /// The schemas of the platform events, as this transaction finds them.
    func use(_ schemas: [String: EventSchema]) { state.withLock { $0.schemas = schemas } }

    func schema(of name: String) -> EventSchema? { state.withLock { $0.schemas[name] } }

    func add(_ event: PendingEvent, isImmediate: Bool) {
        state.withLock { $0.pending.append((event, isImmediate)) }
    }

    /// Takes an event back that was to go out with the commit.
    func remove(id: String) {
        let count = state.withLock { state -> Int in
            let before = state.pending.count
            state.pending.removeAll { $0.event.id == id && !$0.isImmediate }
            return before - state.pending.count
        }
        usage.returnPublishing(count)
    }

    /// Everything, for the commit.
    var committed: [PendingEvent] { state.withLock { $0.pending.map(\.event) } }

    /// What goes out although the transaction failed; the rest is given back.
    func takeSurvivors() -> [PendingEvent] {
        let pending = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        let survivors = pending.filter(\.isImmediate).map(\.event)
        usage.returnPublishing(pending.count - survivors.count)
        return survivors
    }
}
