import ChangeEvents
import Logging
import Store

/// Snapshots taken, and asked for where events were lost.
extension Replica {
    /// Those that wait and whose topics have a place, one after the other; true: there may be more. One that the org cannot
    /// serve now does not hold up the others; then it throws why.
    func takeSnapshots() async throws -> Bool {
        try await actOnGaps()
        try await askForFormulas()
        let state = try await twin.store.read { try ReplicaState.read($0) ?? ReplicaState() }
        var failure: SourceError?
        var hasRun = false
        for snapshot in state.snapshots where !snapshot.isEnded {
            guard let object = object(snapshot.query.object), try await isStreaming(object) else { continue }
            hasRun = true
            do {
                try await take(snapshot, of: object)
            } catch let error as SourceError {
                failure = error
            }
            try await actOnGaps()
        }
        if let failure { throw failure }
        return hasRun
    }

    private func take(_ snapshot: Snapshot, of object: ReplicatedObject) async throws {
        // What was decided meanwhile: it begins again, or is not wanted any more.
        let state = try await twin.store.read { try ReplicaState.read($0) ?? ReplicaState() }
        guard let snapshot = state.snapshots.first(where: { $0.id == snapshot.id }), !snapshot.isEnded else { return }
        var run = SnapshotRun(
            snapshot, of: object, source: source, twin: twin, overlap: configuration.overlap,
            reading: configuration.reading)
        do {
            try await run.run()
            let done = run.snapshot
            logger.info(
                "snapshot done",
                metadata: [
                    "object": "\(object.name)", "rows": "\(done.rows)", "removed": "\(done.removed)",
                    "missed": "\(done.missed)", "restarts": "\(done.restarts)",
                ])
        } catch let error as SourceError {
            try await run.note(error.message, isFinal: error.code == .refused)
            guard error.code == .refused else { throw error }
            logger.error("snapshot failed", metadata: ["object": "\(object.name)", "error": "\(error.message)"])
            // Perhaps the object is not what it was.
            descriptions.ask(for: object.name)
        }
    }

    /// A topic without a place of its own may yet begin at the newest event: what came before it would be lost.
    private func isStreaming(_ object: ReplicatedObject) async throws -> Bool {
        if object.topics.isEmpty { return object.poll != nil }
        return try await twin.store.read { reader in
            for topic in object.topics where try reader.cursor(topic: topic) != nil { return true }
            return false
        }
    }

    private func askForFormulas() async throws {
        let objects = configuration.objects.filter { $0.refreshFormulas != nil }
        guard !objects.isEmpty else { return }
        let now = twin.configuration.now()
        let known = try await twin.store.read { try ReplicaState.read($0) ?? ReplicaState() }
        let due = objects.filter { object in
            var known = known
            return known.requestFormulas(of: object, now: now)
        }
        guard !due.isEmpty else { return }
        try await twin.commit { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            for object in due { _ = state.requestFormulas(of: object, now: now) }
            try state.write(writer)
        }
    }

    /// Gaps that were declared since the last look: what they may have touched is read anew. Asked for in the transaction that
    /// remembers the gap as seen.
    private func actOnGaps() async throws {
        let objects = configuration.objects
        let now = twin.configuration.now()
        let isNew = try await twin.store.read { reader in
            let seen = try ReplicaState.read(reader)?.seenGap
            return try !Self.gaps(behind: seen, reader).isEmpty
        }
        guard isNew else { return }
        try await twin.commit { [twin, margin = configuration.overlap] writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            let ledger = twin.ledger(writer)
            let gaps = try Self.gaps(behind: state.seenGap, writer)
            for gap in gaps {
                for object in objects where try Self.concerns(gap, object, writer) {
                    // By a reading that it has begun again, or by one from after it.
                    if try ledger.isMended(gap, of: object.name) { continue }
                    let since = try ledger.windowStart(of: object.name, margin: margin)
                    guard let number = state.readAnew(object.name, behind: gap.position, since: since, now: now) else {
                        continue
                    }
                    try ledger.plan(number, of: object.name)
                }
                state.seenGap = ReplicaState.SeenGap(position: gap.position.rawValue, ordinal: gap.ordinal)
            }
            try state.write(writer)
        }
    }

    static func gaps(behind seen: ReplicaState.SeenGap?, _ reader: any StoreReader) throws -> [Gap] {
        let from = Position(rawValue: seen?.position ?? 0)
        return try reader.gaps(in: from...max(from, reader.head())).filter { gap in
            guard let seen else { return true }
            return (gap.position.rawValue, gap.ordinal) > (seen.position, seen.ordinal)
        }
    }

    /// An overflow or a conversion is of the object that its event names; a single record that could not be read is in doubt by
    /// itself.
    private static func concerns(_ gap: Gap, _ object: ReplicatedObject, _ reader: any StoreReader) throws -> Bool {
        guard object.topics.contains(gap.topic) else { return false }
        let before = Position(rawValue: gap.position.rawValue - 1)
        let header = try reader.events(after: before, selection: .all, limit: 1, bytesMax: .max)
            .first { $0.position == gap.position }?.content.routing?.header
        switch gap.reason {
        case Gap.undecodable: return header.map { $0.entityName == object.name && $0.namesNobody } ?? true
        case Gap.overflow, Gap.conversion: return header.map { $0.entityName == object.name } ?? true
        default: return true
        }
    }
}

extension ChangeEventHeader {
    /// Not all of its records have an id that can be read.
    fileprivate var namesNobody: Bool { recordIDs.contains { RecordID($0).map { $0 == .empty } ?? true } }
}
