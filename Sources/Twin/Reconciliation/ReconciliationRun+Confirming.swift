import ChangeEvents
import Store

/// The second and the third look: rows that differed are read again by their ids, and what still differs is put right.
extension ReconciliationRun {
    /// What one look at some records has brought.
    private struct Look: Sendable {
        var reconciliation: Reconciliation
        /// Still not equal.
        var rest: Set<RecordID> = []
    }

    mutating func confirm(_ candidates: Candidates) async throws {
        var rest = candidates.drifted
        // Values that no event carries are a fact at once; more than are worth reading by ids are read as columns.
        let asColumns = candidates.derivedRows > candidates.derived.count
        if asColumns {
            try await readColumns(candidates)
        } else {
            rest.formUnion(candidates.derived)
        }
        for (round, pause) in settings.pauses.enumerated() where !rest.isEmpty {
            try await Task.sleep(for: pause)
            try await catchUp()
            let isLast = round == settings.pauses.count - 1
            let ids = rest.sorted()
            rest = []
            for start in stride(from: 0, to: ids.count, by: SourceQuery.idsMax) {
                let slice = Array(ids[start..<min(start + SourceQuery.idsMax, ids.count)])
                rest.formUnion(try await look(at: slice, isLast: isLast))
            }
        }
    }

    /// Answers those that are still to be looked at; of the last look none.
    private mutating func look(at ids: [RecordID], isLast: Bool) async throws -> Set<RecordID> {
        let window = try await Window.open(object, in: twin)
        defer { window.close(in: twin) }
        let query = SourceQuery(object: object.name, fields: fields, includesDeleted: true)
        let rows = try await asking { try await $0.rows(query, ids: ids) }
        let found = Dictionary(rows.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        var known = reconciliation
        known.calls = calls
        let (before, comparison, object, twin) = (known, comparison, object, twin)
        let look: Look? = try await twin.commit { writer in
            let view = try window.view(writer)
            let state = try ReplicaState.read(writer) ?? ReplicaState()
            if view.isBroken || state.isReadingAnew(object.name) { return nil }
            var replay = try RowReplay(
                query, hasAllFields: true, of: object, window: view, writer: writer, twin: twin, mending: .refetch)
            var look = Look(reconciliation: before)
            var differences: [Difference] = []
            for id in ids {
                let kept = try writer.record(entity: object.name, id: id)
                var expected: StoredRecord?
                var outcome = RowComparison.Outcome.undecided
                if let row = found[id] {
                    expected = try replay.outcome.record(of: row)
                    outcome = comparison.compare(id, expected: expected, kept: kept)
                } else if view.positions(of: id).isEmpty, !view.concernsAll {
                    // Not in the org, and no event of the window makes it or brings it back.
                    outcome = comparison.compare(id, expected: nil, kept: kept)
                }
                switch outcome {
                case .equal: break
                // Columns that no event carries are judged where every row was asked for them.
                case .different(let difference) where difference.cause == .derived && !before.isDeep: break
                case .different(let difference) where isLast: differences.append(difference)
                case .undecided where isLast: look.reconciliation.undecided += 1
                case .different, .undecided: look.rest.insert(id)
                }
            }
            var wrong: [SourceRow] = []
            for difference in differences {
                look.reconciliation.drift[difference.cause, default: 0] += 1
                guard !before.isDryRun, let id = RecordID(difference.record) else { continue }
                if let row = found[id] { wrong.append(row) } else { try replay.writeAbsence(of: id) }
            }
            try replay.write(wrong)
            try replay.finish()
            if !differences.isEmpty { try ReconciliationState.add(differences, to: before.id, writer) }
            var reconciliations = try ReconciliationState.read(writer)
            reconciliations.update(look.reconciliation)
            try reconciliations.write(writer)
            return look
        }
        guard let look else { throw Disturbed() }
        saved(look.reconciliation)
        return look.rest
    }

    /// The columns alone, of every row.
    private mutating func readColumns(_ candidates: Candidates) async throws {
        let query = SourceQuery(object: object.name, fields: fields.filter(candidates.derivedFields.contains))
        let (now, isDryRun) = (twin.configuration.now(), reconciliation.isDryRun)
        let snapshot: Int? = try await twin.commit { writer in
            if isDryRun { return nil }
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            let id = state.request(query, hasAllFields: false, .reconciliation, now: now)
            try state.write(writer)
            return id
        }
        try await save { run, _ in
            run.snapshot = snapshot
            run.drift[.derived, default: 0] += candidates.derivedRows
        }
    }
}
