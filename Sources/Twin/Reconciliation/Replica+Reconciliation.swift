import Logging
import Store
import Synchronization

/// Reconciliations asked for, by hand and by the schedule, and done one after the other.
extension Replica {
    // MARK: Asking

    /// Asks for objects to be compared with the org; nil: for all. Answers the reconciliations' numbers, in the order of the
    /// objects. Throws `ReplicaError` where one is not replicated.
    /// - Parameters:
    ///   - isDeep: every value, not counts and stamps alone.
    ///   - isDryRun: what differs is left as it is.
    public func requestReconciliations(
        of names: [String]?, isDeep: Bool = false, isDryRun: Bool = false
    ) async throws -> [Int] {
        let objects = try (names ?? configuration.objects.map(\.name)).map { name in
            guard let object = object(name) else {
                throw ReplicaError(.unknownObject, "\(name) is not among the objects that are replicated.")
            }
            return object.name
        }
        let now = twin.configuration.now()
        return try await twin.commit { writer in
            var state = try ReconciliationState.read(writer)
            let ids = try objects.map { name in
                try state.request(name, isDeep: isDeep, isDryRun: isDryRun, .command, now: now, writer)
            }
            try state.write(writer)
            return ids
        }
    }

    /// One with what it has found by now; nil: there is none of this number, or it is forgotten.
    public func reconciliation(_ id: Int) async throws -> ReconciliationReport? {
        try await twin.store.read { reader in
            guard let found = try ReconciliationState.read(reader).reconciliations.first(where: { $0.id == id }) else {
                return nil
            }
            let differences = try ReconciliationState.differences(of: id, reader)
            // Of columns that were read as columns no row was looked at.
            let counted = found.drift.reduce(0) { $0 + ($1.key.isDrift || found.snapshot == nil ? $1.value : 0) }
            return ReconciliationReport(
                reconciliation: found, differences: differences,
                differencesLeftOut: max(0, counted - differences.count))
        }
    }

    // MARK: Working

    /// Those that wait and whose objects are at rest; true: there may be more. One that the org refuses does not hold up the others.
    func reconcile() async throws -> Bool {
        try await askBySchedule()
        let state = try await twin.store.read { try ReconciliationState.read($0) }
        standings.set(state.standings)
        var hasRun = false
        for waiting in state.reconciliations where !waiting.isEnded {
            guard let object = object(waiting.object) else {
                try await end(waiting, "\(waiting.object) is not replicated any more.")
                continue
            }
            guard let fields = try await restingFields(of: object, for: waiting) else { continue }
            hasRun = true
            try await run(waiting, of: object, fields)
        }
        if hasRun { standings.set(try await twin.store.read { try ReconciliationState.read($0).standings }) }
        return hasRun
    }

    private func run(
        _ waiting: Reconciliation, of object: ReplicatedObject, _ known: ReplicaState.Object
    ) async throws {
        var run = ReconciliationRun(
            waiting, of: object, fields: known.fields, calculated: Set(known.calculated ?? []), replica: self)
        do {
            try await run.run()
            let done = run.reconciliation
            logger.log(
                level: done.hasDrift ? .warning : .info, "reconciliation done",
                metadata: [
                    "object": "\(object.name)", "deep": "\(done.isDeep)", "drift": "\(done.driftedRows)",
                    "causes": "\(done.drift.map { "\($0.key.rawValue) \($0.value)" }.sorted())",
                    "anew": "\(done.isReadAnew)", "calls": "\(done.calls)",
                ])
        } catch is ReconciliationRun.Disturbed {
            var again = run.reconciliation
            again.restarts += 1
            guard again.restarts <= Self.restartsMax else {
                return try await end(again, "It had to begin again \(Self.restartsMax) times.")
            }
            again.phase = .waiting
            try await keep(again)
        } catch let error as SourceError {
            try await end(run.reconciliation, error.message)
            // Perhaps the object is not what it was.
            descriptions.ask(for: object.name)
        }
    }

    private static let restartsMax = 20

    private func end(_ reconciliation: Reconciliation, _ message: String) async throws {
        var failed = reconciliation
        failed.phase = .failed
        failed.message = message
        failed.finishedAt = twin.configuration.now()
        try await keep(failed)
        logger.error(
            "reconciliation failed", metadata: ["object": "\(reconciliation.object)", "error": "\(message)"])
    }

    private func keep(_ reconciliation: Reconciliation) async throws {
        try await twin.commit { writer in
            var state = try ReconciliationState.read(writer)
            state.update(reconciliation)
            try state.write(writer)
        }
    }

    /// What is known of the object, if it is loaded, follows its events and nothing of it is about to be read; else it is noted what
    /// is waited for.
    private func restingFields(
        of object: ReplicatedObject, for waiting: Reconciliation
    ) async throws -> ReplicaState.Object? {
        let (known, message) = try await twin.store.read { reader -> (ReplicaState.Object?, String?) in
            let state = try ReplicaState.read(reader) ?? ReplicaState()
            guard let known = state.objects[object.name], known.loadedAt != nil else {
                return (nil, "It waits for the object's first load.")
            }
            if state.isReadingAnew(object.name) { return (nil, "It waits for a snapshot of the object.") }
            if try !object.topics.isEmpty && object.topics.allSatisfy({ try reader.cursor(topic: $0) == nil }) {
                return (nil, "It waits for the object's events.")
            }
            if try !reader.recordsToRefetch(entity: object.name, after: nil, limit: 1).isEmpty {
                return (nil, "It waits for records in doubt to be read.")
            }
            return (known, nil)
        }
        if let message, message != waiting.message {
            var noted = waiting
            noted.message = message
            try await keep(noted)
        }
        return known
    }

    // MARK: Schedule

    /// Asks for those that are due. The first comes so long after the first load: that was a comparison, too.
    private func askBySchedule() async throws {
        let settings = configuration.reconciling
        let objects = configuration.objects.map { object in
            // What is deleted for good between two polls, nothing else tells.
            (name: object.name, every: settings.every ?? (object.poll == nil ? nil : Self.everyIfPolled))
        }
        guard settings.deepEvery != nil || objects.contains(where: { $0.every != nil }) else { return }
        let now = twin.configuration.now()
        let due = try await twin.store.read { reader in
            let state = try ReconciliationState.read(reader)
            let replica = try ReplicaState.read(reader) ?? ReplicaState()
            return objects.compactMap { name, every -> (name: String, isDeep: Bool)? in
                guard let loadedAt = replica.objects[name]?.loadedAt,
                    !state.reconciliations.contains(where: { !$0.isEnded && $0.object == name && !$0.isDryRun })
                else { return nil }
                let standing = state.standings[name]
                if Self.isDue(settings.deepEvery, since: standing?.lastDeepAt ?? loadedAt, now) { return (name, true) }
                return Self.isDue(every, since: standing?.lastAt ?? loadedAt, now) ? (name, false) : nil
            }
        }
        guard !due.isEmpty else { return }
        try await twin.commit { writer in
            var state = try ReconciliationState.read(writer)
            for (name, isDeep) in due {
                _ = try state.request(name, isDeep: isDeep, isDryRun: false, .schedule, now: now, writer)
            }
            try state.write(writer)
        }
    }

    private static let everyIfPolled: Duration = .seconds(86_400)

    private static func isDue(_ interval: Duration?, since last: Int64, _ now: Int64) -> Bool {
        guard let interval else { return false }
        return .milliseconds(now - last) >= interval
    }

    /// For metrics: as of the last look.
    public var reconciliationStandings: [String: ReconciliationStanding] { standings.all }
}

/// Every object's standing in memory, for who cannot wait for the store. Any thread.
final class ReconciliationStandings: Sendable {
    private let standings = Mutex<[String: ReconciliationStanding]>([:])

    var all: [String: ReconciliationStanding] { standings.withLock { $0 } }

    func set(_ standings: [String: ReconciliationStanding]) { self.standings.withLock { $0 = standings } }
}

extension ReplicaState {
    /// Whether a whole reading of the object is under way, or waits.
    func isReadingAnew(_ object: String) -> Bool {
        snapshots.contains { !$0.isEnded && $0.isWhole && $0.query.object == object }
    }
}
