import ChangeEvents
import Logging
import Store
import Synchronization

/// Objects that are asked for what has changed, because events do not tell, or not all of it (`docs/twin.md`, "Polling").
extension Replica {
    /// Those that are due, or asked for; false always: what fails is tried again after a pause. One that the org cannot serve now
    /// does not hold up the others; then it throws why.
    func poll() async throws -> Bool {
        var failure: SourceError?
        for object in configuration.objects {
            guard let every = object.poll else { continue }
            let state = try await twin.store.read { try ReplicaState.read($0) ?? ReplicaState() }
            guard let known = state.objects[object.name], known.loadedAt != nil, !state.isReading(object.name) else {
                continue
            }
            guard known.fields.contains("SystemModstamp") else {
                polls.note("\(object.name) has no SystemModstamp: it cannot be polled.", on: object.name)
                continue
            }
            let isDue = known.polled.map { .milliseconds(twin.configuration.now() - $0.at) >= every } ?? true
            guard polls.isAsked(object.name) || isDue else { continue }
            do {
                try await poll(object, known)
                polls.note(nil, on: object.name)
            } catch let error as SourceError {
                polls.note(error.message, on: object.name)
                // Perhaps the object is not what it was.
                if error.code == .refused { descriptions.ask(for: object.name) }
                failure = error
            }
        }
        if let failure { throw failure }
        return false
    }

    /// Rows that have changed since the last poll, and a little more: those of transactions that were open then have the time of
    /// their change, not that of their end.
    private func poll(_ object: ReplicatedObject, _ known: ReplicaState.Object) async throws {
        let startedAt = twin.configuration.now()
        let window = try await Window.open(object, in: twin)
        defer { window.close(in: twin) }
        let since = known.polled?.upTo.flatMap(configuration.overlap.before)
        // Before the first row is read: what changes while they are read is the next poll's.
        let changes = try await polledSource.changes(object.name, since: since)
        let query = SourceQuery(
            object: object.name, fields: known.fields, includesDeleted: true, since: since)
        var rows = 0
        try await polledSource.read(query, in: nil, expected: changes.count) { page in
            rows += page.count
            try await twin.commit { [twin] writer in
                let view = try window.view(writer)
                if view.isBroken { throw SourceError(.notNow, "Events were lost while \(object.name) was polled.") }
                var replay = try RowReplay(
                    query, hasAllFields: true, leavesEqual: true, of: object, window: view, writer: writer, twin: twin,
                    mending: .refetch)
                try replay.write(page)
                try replay.finish()
            }
        }
        let standing = PollStanding(
            upTo: max(known.polled?.upTo ?? .min, changes.newest ?? .min), at: startedAt, rows: rows)
        try await twin.commit { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            // What a snapshot had read before may have been written over what was read now.
            if state.isReading(object.name) { return }
            state.objects[object.name]?.polled = standing
            try state.write(writer)
        }
        polls.done(object.name, standing)
        // No event tells of a new field either. Of those that were named, a query that is refused tells.
        if case .all = object.fields { descriptions.ask(for: object.name) }
        logger.debug("polled", metadata: ["object": "\(object.name)", "rows": "\(rows)"])
    }

    /// Returns when a poll of the object has begun and ended since it was called; at once where it is not polled.
    /// - Parameter waits: told again and again why there has been none yet; nil: it is not known.
    func catchUp(_ object: ReplicatedObject, waits: (String?) async throws -> Void) async throws {
        guard object.poll != nil else { return }
        let since = twin.configuration.now()
        let before = polls.count(of: object.name)
        // One that had begun before does not count.
        while polls.count(of: object.name) == before || (polls.standing(of: object.name)?.at ?? .min) < since {
            polls.ask(for: object.name)
            try await Task.sleep(for: configuration.interval)
            try await waits(polls.messages[object.name])
        }
    }

    /// For metrics: each polled object's last poll in this process.
    public var pollStandings: [String: PollStanding] { polls.standings }
}

/// An object's last poll.
public struct PollStanding: Sendable, Hashable, Codable {
    /// The newest `SystemModstamp` that the org had when it began: milliseconds since 1970; nil: it had no rows. Never a time of
    /// our own clock.
    public var upTo: Int64?
    /// When it began, by our clock: milliseconds since 1970. Only the schedule goes by it.
    public var at: Int64
    /// That were read, of which few may have been new.
    public var rows: Int

    init(upTo: Int64, at: Int64, rows: Int) {
        self.upTo = upTo == .min ? nil : upTo
        self.at = at
        self.rows = rows
    }
}

/// What is polled, and what has come of it. Any thread.
final class Polls: Sendable {
    private struct State {
        var asked: Set<String> = []
        var standings: [String: PollStanding] = [:]
        var counts: [String: Int] = [:]
        var messages: [String: String] = [:]
    }

    private let state = Mutex(State())

    var standings: [String: PollStanding] { state.withLock { $0.standings } }
    /// Why an object's last poll has failed.
    var messages: [String: String] { state.withLock { $0.messages } }

    func standing(of object: String) -> PollStanding? { state.withLock { $0.standings[object] } }
    func count(of object: String) -> Int { state.withLock { $0.counts[object] ?? 0 } }
    func ask(for object: String) { state.withLock { _ = $0.asked.insert(object) } }
    func isAsked(_ object: String) -> Bool { state.withLock { $0.asked.contains(object) } }

    func done(_ object: String, _ standing: PollStanding) {
        state.withLock { state in
            state.asked.remove(object)
            state.standings[object] = standing
            state.counts[object, default: 0] += 1
        }
    }

    func note(_ message: String?, on object: String) { state.withLock { $0.messages[object] = message } }
}

extension ReplicaState {
    /// Whether a reading of the object has begun and not ended: until then it may write rows that were read long before.
    func isReading(_ object: String) -> Bool {
        snapshots.contains { $0.query.object == object && ($0.phase == .reading || $0.phase == .comparing) }
    }
}
