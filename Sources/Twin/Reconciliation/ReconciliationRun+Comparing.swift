import ChangeEvents
import Store

/// The first look: rows that were read beside those of the table.
extension ReconciliationRun {
    /// Rows of one transaction of the store.
    private static let rowsAtOnce = 500

    /// Id and stamp of the rows of some places; nil: of all.
    mutating func compareByStamp(
        _ places: [DrillDown.Place]?, expected: Int = 0, _ window: Window, _ candidates: inout Candidates
    ) async throws {
        let query = SourceQuery(object: object.name, fields: stamp.map { [$0] } ?? [])
        let judge = RowComparison(fields: query.fields, stamp: stamp, calculated: [])
        guard let places else {
            return try await compare(query, nil, expected: expected, judge, window, &candidates)
        }
        guard let stamp else { return }
        let stamped = places.filter { $0.hour != nil }
        let ranges = stamped.map { place in
            SourceRange(field: stamp, times: Self.times(ofHour: place.hour ?? 0), from: place.from, to: place.to)
        }
        if stamped.count < places.count {
            // Rows without a stamp: the org has none of them.
            let name = object.name
            let ids = try await twin.store.read { try $0.liveIDs(entity: name, in: .empty(field: stamp)) }
            take(ids, &candidates)
        }
        guard !ranges.isEmpty else { return }
        try await compare(
            query, ranges, expected: stamped.reduce(0) { $0 + $1.rows }, judge, window, &candidates)
    }

    /// Every row and every column.
    mutating func searchDeep(_ window: Window) async throws -> Candidates {
        var candidates = Candidates()
        let name = object.name
        let here = try await twin.store.read { try $0.liveIDs(entity: name, in: .all).count }
        try await save { run, _ in run.rowsHere = here }
        let query = SourceQuery(object: object.name, fields: fields)
        // By a Bulk query, however few they are: values are read as the first load reads them.
        try await compare(query, nil, expected: .max, comparison, window, &candidates)
        return candidates
    }

    private mutating func compare(
        _ query: SourceQuery, _ ranges: [SourceRange]?, expected: Int, _ judge: RowComparison,
        _ window: Window, _ candidates: inout Candidates
    ) async throws {
        var seen: Set<RecordID> = []
        var found = candidates
        var attempts = 0
        while true {
            do {
                (seen, found) = ([], candidates)
                try await reading(query, ranges, expected) { rows in
                    for row in rows { seen.insert(row.id) }
                    for difference in try await Self.look(at: rows, query, judge, window, object, twin) {
                        take(difference, &found)
                    }
                }
                break
            } catch let error as SourceError where error.code == .readGone {
                attempts += 1
                guard attempts < Self.attemptsMax else { throw SourceError(.refused, error.message) }
            }
        }
        candidates = found
        compared(seen.count)
        if ranges == nil {
            let count = seen.count
            try await save { run, _ in run.rowsInOrg = run.rowsInOrg ?? count }
        }
        // What is here and was not among them.
        take(try await idsHere(ranges).filter { !seen.contains($0) }, &candidates)
    }

    /// Ids of the table's live rows in the same ranges.
    private func idsHere(_ ranges: [SourceRange]?) async throws -> [RecordID] {
        let name = object.name
        guard let ranges else { return try await twin.store.read { try $0.liveIDs(entity: name, in: .all) } }
        return try await twin.store.read { reader in
            let whole = ranges.filter { $0.from == nil && $0.to == nil }
            var ids: [RecordID] = []
            if let field = whole.first?.field {
                ids = try reader.liveIDs(entity: name, in: .times(field: field, whole.map(\.times)))
            }
            for range in ranges where range.from != nil || range.to != nil {
                ids += try reader.liveIDs(entity: name, in: .times(field: range.field, [range.times]))
                    .filter(range.holds)
            }
            return ids
        }
    }

    private static var attemptsMax: Int { 3 }

    /// Differences are few: rows that are equal leave nothing behind.
    private static func look(
        at rows: [SourceRow], _ query: SourceQuery, _ judge: RowComparison, _ window: Window,
        _ object: ReplicatedObject, _ twin: Twin
    ) async throws -> [Difference] {
        var found: [Difference] = []
        var rest = rows[...]
        while !rest.isEmpty {
            let slice = rest.prefix(rowsAtOnce)
            rest = rest.dropFirst(slice.count)
            found += try await twin.store.read { reader in
                let view = try window.view(reader)
                if view.isBroken { throw Disturbed() }
                let outcome = RowOutcome(
                    object: object, window: view, reader: reader, schemas: twin.schemaInTransaction)
                return try slice.compactMap { row in
                    let expected = try outcome.record(of: row)
                    let kept = try reader.record(entity: object.name, id: row.id)
                    guard case .different(let difference) = judge.compare(row.id, expected: expected, kept: kept) else {
                        return nil
                    }
                    return difference
                }
            }
        }
        return found
    }

    private func reading(
        _ query: SourceQuery, _ ranges: [SourceRange]?, _ expected: Int, _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        var hasRows = false
        try await asking { source in
            do {
                try await source.read(query, in: ranges, expected: expected) { rows in
                    hasRows = true
                    try await take(rows)
                }
            } catch let error as SourceError where error.code == .notNow && hasRows {
                // It is begun again by who has taken them.
                throw SourceError(.readGone, error.message)
            }
        }
    }

    // MARK: Keeping

    private func take(_ difference: Difference, _ candidates: inout Candidates) {
        guard let id = RecordID(difference.record) else { return }
        guard difference.cause == .derived else { return take([id], &candidates) }
        candidates.derivedRows += 1
        candidates.derivedFields.formUnion(difference.fields)
        if candidates.derived.count < settings.limits.differencesMax { candidates.derived.insert(id) }
    }

    private func take(_ ids: [RecordID], _ candidates: inout Candidates) {
        for id in ids {
            guard candidates.drifted.count < settings.limits.differencesMax || candidates.drifted.contains(id) else {
                candidates.isTooMany = true
                return
            }
            candidates.drifted.insert(id)
        }
    }
}

extension SourceRange {
    fileprivate func holds(_ id: RecordID) -> Bool {
        (from.map { $0 <= id } ?? true) && (to.map { id < $0 } ?? true)
    }
}
