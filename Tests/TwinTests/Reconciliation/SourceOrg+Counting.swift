import ChangeEvents
@testable import Twin

/// The org's answers to a reconciliation, from its true records.
extension SourceOrg {
    /// What an answer of the real org's APIs takes: a page of 2,000 rows, or a Bulk query's job, looks at it, pages and end.
    static func callsToRead(_ rows: Int, expected: Int) -> Int {
        expected <= 10_000 ? max(1, (rows + 1_999) / 2_000) : 1 + 15 + max(1, (rows + 99_999) / 100_000) + 1
    }

    var calls: Int { with { $0.calls } }

    func changes(_ object: String, since: Int64?) async throws(SourceError) -> SourceChanges {
        try await answer { state in
            let stamps = state.records.values.map(\.systemModstamp).filter { stamp in since.map { stamp >= $0 } ?? true
            }
            return SourceChanges(count: stamps.count, newest: stamps.max())
        }
    }

    func count(_ object: String, in range: SourceRange?) async throws(SourceError) -> Int {
        try await answer { state in Self.live(state, range.map { [$0] }).count }
    }

    func counts(
        _ object: String, of field: String, by unit: SourceSpan.Unit, in spans: [SourceSpan]
    ) async throws(SourceError) -> [Int64: Int] {
        try await answer { state in
            Dictionary(
                Self.live(state, nil).compactMap { Self.hour(state, $0, field) }
                    .filter { hour in spans.contains { $0.contains(hour) } }.map { (unit.of($0), 1) },
                uniquingKeysWith: +)
        }
    }

    func read(
        _ query: SourceQuery, in ranges: [SourceRange]?, expected: Int, _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        let rows = try await answer { state in
            let ids = query.includesDeleted ? state.records.keys.sorted() : Self.live(state, ranges)
            state.calls += Self.callsToRead(ids.count, expected: expected) - 1
            return ids.compactMap { Self.row($0, query, state) }
        }
        for start in stride(from: 0, to: rows.count, by: 3) {
            try await take(Array(rows[start..<min(start + 3, rows.count)]))
            try await happen()
        }
    }

    private func answer<T: Sendable>(_ body: (inout State) -> sending T) async throws(SourceError) -> T {
        let answer: T? = with { state in
            state.calls += 1
            if state.refusals > 0 {
                state.refusals -= 1
                return nil
            }
            return body(&state)
        }
        guard let answer else { throw SourceError(.notNow, "no call for reconcile: the budget is used up") }
        try await happen()
        return answer
    }

    private static func live(_ state: State, _ ranges: [SourceRange]?) -> [RecordID] {
        state.records.filter { id, record in
            guard !record.isDeleted else { return false }
            guard let ranges else { return true }
            return ranges.contains { range in
                guard case .dateTime(let time)? = record.fields[range.field] else { return false }
                return range.times.contains(time) && range.from.map { $0 <= id } ?? true
                    && range.to.map { id < $0 } ?? true
            }
        }.keys.sorted()
    }

    private static func hour(_ state: State, _ id: RecordID, _ field: String) -> Int64? {
        guard case .dateTime(let time)? = state.records[id]?.fields[field] else { return nil }
        return time / 3_600_000
    }
}
