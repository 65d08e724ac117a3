import NIOCore
import ChangeEvents
import Doors
import Store
import Synchronization

/// The newest events of the log in memory, so that a subscriber that keeps up is served without a read of the database.
///
/// Holds consecutive positions. Bounded by number and bytes. Thread-safe: the log's commit path adds, readers copy out;
/// the lock is held for the copying of at most one read's events (references, not payloads).
final class RecentEvents: Sendable {
    static let eventsMax = 16_384
    static let bytesMax = 32 << 20

    private struct State {
        /// Oldest first, from `first` on.
        var events: [ArrivedEvent] = []
        var first = 0
        var bytes = 0

        mutating func dropOldest() {
            bytes -= events[first].event.payload.readableBytes
            first += 1
        }

        /// Lets go of what was dropped. Moving the rest down costs as much as there is of it, so this waits until more was
        /// dropped than is remembered. (A fixed number to wait for would hold that many events of 1 MB.)
        mutating func compact() {
            guard first > events.count - first else { return }
            events.removeFirst(first)
            first = 0
        }
    }

    private let state = Mutex(State())

    func append(_ logged: [LoggedEvent]) {
        state.withLock { state in
            // A hole would be read as "nothing there".
            if let last = state.events.last, let next = logged.first,
                next.position.rawValue != last.position.rawValue + 1
            {
                state = State()
            }
            for event in logged {
                state.events.append(ArrivedEvent(event))
                state.bytes += event.content.event.payload.readableBytes
            }
            while state.events.count - state.first > Self.eventsMax || state.bytes > Self.bytesMax {
                state.dropOldest()
            }
            state.compact()
        }
    }

    /// Events that are still in memory, the dropped among them.
    var heldCount: Int { state.withLock { $0.events.count } }

    /// Forgets what was received before an instant.
    func drop(olderThan instant: Int64) {
        state.withLock { state in
            while state.first < state.events.count, state.events[state.first].receivedAt < instant {
                state.dropOldest()
            }
            state.compact()
        }
    }

    /// Events of the topics after a position; nil where the memory does not reach back so far, or holds nothing.
    func read(after: Position, topics: Set<String>, limit: Int, bytesMax: Int) -> BusRead? {
        state.withLock { state -> BusRead? in
            guard limit > 0, state.first < state.events.count else { return nil }
            let oldest = state.events[state.first].position.rawValue
            guard after.rawValue >= oldest - 1, let newest = state.events.last else { return nil }
            var events: [ArrivedEvent] = []
            events.reserveCapacity(min(limit, 256))
            var bytes = 0
            // Events of a topic come in runs.
            var run: (topic: String, isWanted: Bool) = ("", false)
            // Everything was looked at: then the reader stands at the end of the bus, past events of other topics.
            var isWhole = true
            var index = state.first + Int(min(after.rawValue - oldest + 1, Int64(state.events.count - state.first)))
            while index < state.events.count {
                let candidate = state.events[index]
                index += 1
                if candidate.event.topic != run.topic {
                    run = (candidate.event.topic, topics.contains(candidate.event.topic))
                }
                guard run.isWanted else { continue }
                bytes += candidate.event.payload.readableBytes
                if !events.isEmpty, bytes > bytesMax {
                    isWhole = false
                    break
                }
                events.append(candidate)
                if events.count == limit {
                    isWhole = index == state.events.count
                    break
                }
            }
            if !isWhole, let last = events.last {
                return BusRead(events: events, reached: last.position, latestReplayID: last.event.replayID)
            }
            return BusRead(
                events: events, reached: max(after, newest.position), latestReplayID: newest.event.replayID)
        }
    }
}
