import ChangeEvents
import Store
import Synchronization
import Twin
import Upstream

/// Upstream's sink, connected to the twin.
///
/// Room is given for a bounded number of events that were received and are not durable yet, over all topics: when the twin
/// is slow, Upstream stops asking. Safe to use from any task.
final class TwinSink: EventSink {
    /// Events received and not yet durable, over all topics. Ten full responses of the Pub/Sub API: enough to keep the
    /// stream busy during a commit, small beside the memory of one process.
    static let eventsInFlightMax = 1_000

    private struct Room {
        var inFlight = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let twin: Twin
    private let room = Mutex(Room())

    init(twin: Twin) {
        self.twin = twin
    }

    func room(for topic: String) async throws -> Int {
        while true {
            try Task.checkCancellation()
            let free = room.withLock { Self.eventsInFlightMax - $0.inFlight }
            if free > 0 { return free }
            await waitForRoom()
        }
    }

    func cursor(for topic: String) async throws -> ReplayID? {
        try await twin.store.read { reader in try reader.cursor(topic: topic) }
    }

    func knowsSchema(_ id: SchemaID) async throws -> Bool {
        try await twin.schema(id) != nil
    }

    func learn(_ schema: EventSchema) async throws {
        try await twin.learn(schema)
    }

    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws {
        room.withLock { $0.inFlight += events.count }
        defer { release(events.count) }
        try await twin.ingest(ReceivedBatch(topic: topic, events: events, latestReplayID: latestReplayID))
    }

    func declareGap(topic: String, reason: String) async throws {
        try await twin.declareGap(topic: topic, reason: reason)
    }

    private func release(_ count: Int) {
        let waiting = room.withLock { room in
            room.inFlight -= count
            let waiting = room.waiting.values
            room.waiting = [:]
            return Array(waiting)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when something was released, or when the task is cancelled.
    private func waitForRoom() async {
        let waiter = room.withLock { room in
            room.nextWaiter += 1
            return room.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = room.withLock { room in
                    // Released (or cancelled) between the check and here: nobody would wake us.
                    if room.inFlight < Self.eventsInFlightMax || Task.isCancelled { return true }
                    room.waiting[waiter] = continuation
                    return false
                }
                if isFree { continuation.resume() }
            }
        } onCancel: {
            let continuation = room.withLock { $0.waiting.removeValue(forKey: waiter) }
            continuation?.resume()
        }
    }
}
