import ChangeEvents
import Doors
import Store
import Synchronization

/// Events of the log that were read ahead for a subscriber that replays: it asks for a hundred at a time, the database is
/// read for a thousand. Another one that replays the same finds them too.
///
/// The log never changes but for what retention drops (`clear`). Bounded by the number of chunks; each is one read of the
/// log and so bounded in bytes. Thread-safe; the lock is held while the events of one read are copied (references, not
/// payloads).
final class LogChunks: Sendable {
    static let chunkEventsMax = 1_000
    static let chunksMax = 8

    private struct Chunk {
        var topics: Set<String>
        var after: Position
        var read: BusRead
    }

    private struct State {
        /// The one used last at the end.
        var chunks: [Chunk] = []
        /// How often the log was trimmed: what was read before that is not kept after it.
        var generation = 0
    }

    private let state = Mutex(State())

    var generation: Int { state.withLock { $0.generation } }

    /// Nil where nothing is known of the place.
    func read(after: Position, topics: Set<String>, limit: Int) -> BusRead? {
        state.withLock { state in
            let found = state.chunks.lastIndex {
                $0.after <= after && after < $0.read.reached && $0.topics == topics
            }
            guard let found else { return nil }
            if found != state.chunks.count - 1 { state.chunks.append(state.chunks.remove(at: found)) }
            return Self.part(of: state.chunks[state.chunks.count - 1].read, after: after, limit: limit)
        }
    }

    /// Keeps a read of plain events, begun in a generation, and answers its first ones.
    func keep(_ read: BusRead, after: Position, topics: Set<String>, limit: Int, generation: Int) -> BusRead {
        if read.events.count > limit, let last = read.events.last {
            // Not up to the head of the log, which moves on.
            let kept = BusRead(events: read.events, reached: last.position, latestReplayID: last.event.replayID)
            state.withLock { state in
                guard state.generation == generation else { return }
                if state.chunks.count == Self.chunksMax { state.chunks.removeFirst() }
                state.chunks.append(Chunk(topics: topics, after: after, read: kept))
            }
        }
        return Self.part(of: read, after: after, limit: limit)
    }

    func clear() {
        state.withLock { state in
            state.chunks = []
            state.generation += 1
        }
    }

    private static func part(of read: BusRead, after: Position, limit: Int) -> BusRead {
        // The first event behind the place.
        var low = 0
        var high = read.events.count
        while low < high {
            let middle = (low + high) / 2
            if read.events[middle].position <= after { low = middle + 1 } else { high = middle }
        }
        if low == 0, read.events.count <= limit { return read }
        let part = read.events[low..<min(read.events.count, low + limit)]
        guard part.endIndex < read.events.count, let last = part.last else {
            return BusRead(events: Array(part), reached: read.reached, latestReplayID: read.latestReplayID)
        }
        return BusRead(events: Array(part), reached: last.position, latestReplayID: last.event.replayID)
    }
}
