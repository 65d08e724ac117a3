import ChangeEvents
import GRDB

/// History tables, one for each object that has one: `history_case`. They are made for applications to read, and for them alone
/// to change: nothing of ours depends on a row.
extension SQLiteSession {
    private static func historyTable(_ entity: String) throws(StoreError) -> String {
        try ObjectTable(entity: entity, columns: []).check()
        return "history_\(entity.lowercased())"
    }

    private static let historyColumns = FormerVersion.columns.joined(separator: ", ")

    func defineHistory(entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            try execute(
                """
                CREATE TABLE IF NOT EXISTS \(name) (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    sfid TEXT NOT NULL,
                    valid_from INTEGER NOT NULL,
                    valid_to INTEGER NOT NULL,
                    isdeleted INTEGER NOT NULL,
                    is_complete INTEGER NOT NULL,
                    change TEXT NOT NULL,
                    commit_user TEXT,
                    position INTEGER,
                    changes TEXT NOT NULL,
                    record TEXT NOT NULL
                );
                CREATE INDEX IF NOT EXISTS \(name)_sfid ON \(name) (sfid, valid_to);
                CREATE INDEX IF NOT EXISTS \(name)_valid_to ON \(name) (valid_to);
                """)
        }
    }

    func keep(_ versions: [FormerVersion], entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            let row = try statement(
                """
                INSERT INTO \(name) (\(Self.historyColumns))
                SELECT ?1, max(?2, ended), max(?3, ended), ?4, ?5, ?6, ?7, ?8, ?9, ?10
                FROM (SELECT coalesce(max(valid_to), 0) AS ended FROM \(name) WHERE sfid = ?1)
                """)
            for version in versions {
                row.bind(1, version.id)
                row.bind(2, version.validFrom)
                row.bind(3, version.validTo)
                row.bind(4, Int64(version.isDeleted ? 1 : 0))
                row.bind(5, Int64(version.isComplete ? 1 : 0))
                row.bind(6, version.change)
                if let user = version.commitUser { row.bind(7, user) }
                if let position = version.position { row.bind(8, position.rawValue) }
                row.bind(9, version.changes)
                row.bind(10, version.record)
                try row.run()
            }
        }
    }

    func history(entity: String, id: RecordID, limit: Int) throws(StoreError) -> [FormerVersion] {
        let row = try statement(
            "SELECT \(Self.historyColumns) FROM \(try Self.historyTable(entity)) WHERE sfid = ? ORDER BY id DESC LIMIT ?"
        )
        defer { row.reset() }
        row.bind(1, id)
        row.bind(2, Int64(limit))
        var versions: [FormerVersion] = []
        while try row.step() {
            versions.append(
                FormerVersion(
                    id: id, validFrom: row.integer(1), validTo: row.integer(2), isDeleted: row.integer(3) != 0,
                    isComplete: row.integer(4) != 0, change: row.text(5) ?? "",
                    commitUser: row.isNull(6) ? nil : row.text(6),
                    position: row.isNull(7) ? nil : Position(rawValue: row.integer(7)), changes: row.text(8) ?? "{}",
                    record: row.text(9) ?? "{}"))
        }
        return versions
    }

    func trimHistory(entity: String, endedBefore: Int64) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            let row = try statement(
                "DELETE FROM \(name) WHERE id IN (SELECT id FROM \(name) WHERE valid_to < ? ORDER BY valid_to LIMIT ?)")
            row.bind(1, endedBefore)
            row.bind(2, Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            try row.run()
            return database.changesCount
        }
    }
}
