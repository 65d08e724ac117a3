import ChangeEvents
import CrashPoints
import Store

/// Records in doubt, read again by their ids.
extension Replica {
    /// One batch of each object; true: there may be more.
    func refetch() async throws -> Bool {
        let (state, doubtful) = try await twin.store.read { [objects = configuration.objects] reader in
            let state = try ReplicaState.read(reader) ?? ReplicaState()
            if try Self.gaps(behind: state.seenGap, reader).isEmpty { return (state, Set<String>()) }
            let doubtful = try objects.map(\.name).filter { try !reader.doubts(entity: $0, id: nil).isEmpty }
            return (state, Set(doubtful))
        }
        var isMore = false
        var failure: SourceError?
        for object in configuration.objects {
            guard let known = state.objects[object.name], !known.fields.isEmpty else { continue }
            // Every record may be marked: a reading is about to be asked for.
            if doubtful.contains(object.name) { continue }
            // A reading that is under way or waits settles them all, or leaves those that are in doubt for reasons of their own.
            if state.snapshots.contains(where: { !$0.isEnded && $0.settlesObject && $0.query.object == object.name }) {
                continue
            }
            do {
                if try await refetch(object, known.fields) { isMore = true }
            } catch let error as SourceError {
                // Perhaps the object is not what it was.
                if error.code == .refused { descriptions.ask(for: object.name) }
                failure = error
            }
        }
        if let failure { throw failure }
        return isMore
    }

    private func refetch(_ object: ReplicatedObject, _ fields: [String]) async throws -> Bool {
        let max = configuration.refetchesMax
        let due = try await twin.store.read { reader in
            try reader.recordsToRefetch(entity: object.name, after: nil, limit: max + 1).map(\.image.id)
        }
        if due.isEmpty { return false }
        let query = SourceQuery(object: object.name, fields: fields, includesDeleted: true)
        guard due.count <= max else {
            let now = twin.configuration.now()
            try await twin.commit { writer in
                var state = try ReplicaState.read(writer) ?? ReplicaState()
                var whole = query
                whole.includesDeleted = false
                _ = state.request(whole, hasAllFields: true, .doubt, now: now)
                try state.write(writer)
            }
            return false
        }
        let ids = Array(due.prefix(SourceQuery.idsMax))
        let window = try await Window.open(object, in: twin)
        defer { window.close(in: twin) }
        let rows = try await source.rows(query, ids: ids)
        let found = Set(rows.map(\.id))
        CrashPoint.refetchBefore.reached()
        try await twin.commit { [twin] writer in
            let view = try window.view(writer)
            // They stay in doubt, and what was lost is another's affair.
            if view.isBroken { return }
            var replay = try RowReplay(
                query, hasAllFields: true, of: object, window: view, writer: writer, twin: twin, mending: .refetch)
            try replay.write(rows)
            for id in ids where !found.contains(id) { try replay.writeAbsence(of: id) }
            try replay.finish()
        }
        CrashPoint.refetchAfter.reached()
        return due.count > ids.count
    }

    /// Marks of a version without a table of gaps do not say why: such records are taken for incomplete, and stay in doubt until
    /// each of them is read.
    func explainMarks() async throws {
        guard let state = try await twin.store.read({ try ReplicaState.read($0) }), state.marksHaveEntries != true
        else {
            return
        }
        for object in configuration.objects {
            var last: RecordID?
            while true {
                let after = last
                last = try await twin.commit { writer -> RecordID? in
                    let page = try writer.recordsToRefetch(
                        entity: object.name, after: after, limit: SourceQuery.idsMax)
                    for var record in page where record.image.isComplete && !record.isDeleted {
                        record.image.isComplete = false
                        try writer.put(record)
                    }
                    return page.count == SourceQuery.idsMax ? page.last?.image.id : nil
                }
                if last == nil { break }
            }
        }
        try await twin.commit { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            state.marksHaveEntries = true
            try state.write(writer)
        }
    }
}
