import ChangeEvents

/// Live records counted and named, for comparing with what an org counts. Rows of an application's own, which have no record id
/// yet, are none of them.
extension PostgresSession {
    func liveCounts(entity: String, hoursOf field: String) throws(StoreError) -> [Int64?: Int] {
        guard let layout = layouts[entity], let column = layout.dateTime(field) else { return [:] }
        let hour = LiveStretch.hourMilliseconds / 1_000
        let result = try query(
            """
            SELECT floor(extract(epoch FROM \(column)) / \(hour))::bigint, count(*) FROM \(layout.name)
            WHERE NOT isdeleted AND sfid IS NOT NULL GROUP BY 1
            """
        ) { _ in }
        var counts: [Int64?: Int] = [:]
        for row in result.rows { counts[row.isNull(0) ? nil : row.integer(0)] = Int(row.integer(1)) }
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
        let text = "SELECT sfid FROM \(layout.name) WHERE NOT isdeleted AND sfid IS NOT NULL\(condition) ORDER BY sfid"
        var ids: [RecordID] = []
        // By a cursor: there may be millions, and an answer of the server is held in memory whole.
        try select(
            RowSelect(sql: text, parameters: bounds.map { .dateTime(milliseconds: $0) }), deriving: nil
        ) { row throws(StoreError) in
            guard let id = RecordID(try row.text(0)) else {
                throw StoreError(code: .corrupt, message: "a row of \(entity) has no record id")
            }
            ids.append(id)
            return true
        }
        return ids
    }
}

extension PostgresLayout {
    /// The quoted name of a column of dates with time.
    fileprivate func dateTime(_ field: String) -> String? {
        columns.first { $0.name == field && $0.type == .dateTime }?.sqlName
    }
}
