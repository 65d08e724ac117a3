import ChangeEvents

/// Live records counted and named, for comparing with what an org counts.
extension SQLiteSession {
    func liveCounts(entity: String, hoursOf field: String) throws(StoreError) -> [Int64?: Int] {
        guard let layout = layouts[entity], let column = layout.dateTime(field) else { return [:] }
        // Whole numbers are divided toward zero in SQLite: times before 1970 are moved on by the remainder.
        let hour = LiveStretch.hourMilliseconds
        let row = try statement(
            """
            SELECT (\(column) - (\(column) % \(hour) + \(hour)) % \(hour)) / \(hour), count(*) FROM \(layout.name)
            WHERE isdeleted = 0 GROUP BY 1
            """)
        defer { row.reset() }
        var counts: [Int64?: Int] = [:]
        while try row.step() { counts[row.isNull(0) ? nil : row.integer(0)] = Int(row.integer(1)) }
        return counts
    }

    func liveIDs(entity: String, in stretch: LiveStretch) throws(StoreError) -> [RecordID] {
        guard let layout = layouts[entity] else { return [] }
        var condition = ""
        var bounds: [Int64] = []
        switch stretch {
        case .all: break
        case .empty(let field):
            guard let column = layout.dateTime(field) else { return [] }
            condition = " AND \(column) IS NULL"
        case .times(let field, let ranges):
            guard let column = layout.dateTime(field), !ranges.isEmpty else { return [] }
            let parts = ranges.map { _ in "(\(column) >= ? AND \(column) < ?)" }
            condition = " AND (\(parts.joined(separator: " OR ")))"
            bounds = ranges.flatMap { [$0.lowerBound, $0.upperBound] }
        }
        let row = try SQLiteStatement(
            database, uncached: "SELECT sfid FROM \(layout.name) WHERE isdeleted = 0\(condition) ORDER BY sfid")
        for (index, bound) in bounds.enumerated() { row.bind(Int32(index + 1), bound) }
        var ids: [RecordID] = []
        while try row.step() {
            guard let id = RecordID(utf8: row.bytes(0)) else {
                throw StoreError(code: .corrupt, message: "a row of \(entity) has no record id")
            }
            ids.append(id)
        }
        return ids
    }
}

extension LiveStretch {
    static let hourMilliseconds: Int64 = 3_600_000
}

extension TableLayout {
    /// The quoted name of a column of dates with time.
    fileprivate func dateTime(_ field: String) -> String? {
        columns.first { $0.name == field && $0.type == .dateTime }?.sqlName
    }
}
