import ChangeEvents

/// History tables, as in `SQLiteSession`, in a schema of their own: `salesforce_history.case`. What is allowed to read the records
/// may not be allowed to read what they were.
extension PostgresSession {
    private static let historySchema = "salesforce_history"

    private static func historyTable(_ entity: String) throws(StoreError) -> String {
        try ObjectTable(entity: entity, columns: []).check()
        return "\(historySchema).\"\(entity.lowercased())\""
    }

    private static let historyColumns = FormerVersion.columns.joined(separator: ", ")

    func defineHistory(entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            // IF NOT EXISTS would ask for the right to make what is there already.
            try run(
                """
                DO $$ BEGIN
                    IF to_regnamespace('\(Self.historySchema)') IS NULL THEN CREATE SCHEMA \(Self.historySchema); END IF;
                    IF to_regclass('\(name)') IS NULL THEN
                        CREATE TABLE \(name) (
                            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sfid text COLLATE "C" NOT NULL,
                            valid_from timestamptz NOT NULL, valid_to timestamptz NOT NULL, isdeleted boolean NOT NULL,
                            is_complete boolean NOT NULL, change text COLLATE "C" NOT NULL,
                            commit_user text COLLATE "C", position bigint, changes jsonb NOT NULL,
                            record jsonb NOT NULL);
                        CREATE INDEX ON \(name) (sfid, valid_to);
                        CREATE INDEX ON \(name) (valid_to);
                    END IF;
                END $$
                """)
        }
    }

    func keep(_ versions: [FormerVersion], entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            let sql = """
                INSERT INTO \(name) (\(Self.historyColumns))
                SELECT $1::text, greatest($2::timestamptz, ended), greatest($3::timestamptz, ended), $4::boolean, $5::boolean,
                    $6::text, $7::text, $8::bigint, $9::text::jsonb, $10::text::jsonb
                FROM (SELECT max(valid_to) AS ended FROM \(name) WHERE sfid = $1::text) last
                """
            for version in versions {
                var cells = PostgresCells()
                cells.add(version.id)
                cells.add(PostgresTime.stamp(version.validFrom))
                cells.add(PostgresTime.stamp(version.validTo))
                cells.add(version.isDeleted)
                cells.add(version.isComplete)
                cells.add(version.change)
                if let user = version.commitUser { cells.add(user) } else { cells.addNull() }
                if let position = version.position { cells.add(position.rawValue) } else { cells.addNull() }
                cells.add(plain: version.changes)
                cells.add(plain: version.record)
                try connection.send(sql, cells)
            }
        }
    }

    func history(entity: String, id: RecordID, limit: Int) throws(StoreError) -> [FormerVersion] {
        let result = try query(
            """
            SELECT sfid, valid_from, valid_to, isdeleted, is_complete, change, commit_user, position, changes::text,
            record::text FROM \(try Self.historyTable(entity)) WHERE sfid = $1 ORDER BY id DESC LIMIT $2
            """
        ) { cells in
            cells.add(id)
            cells.add(Int64(limit))
        }
        return result.rows.map { row in
            FormerVersion(
                id: id, validFrom: PostgresTime.milliseconds(stamp: row.integer(1)) ?? 0,
                validTo: PostgresTime.milliseconds(stamp: row.integer(2)) ?? 0, isDeleted: row.boolean(3),
                isComplete: row.boolean(4), change: row.text(5) ?? "", commitUser: row.isNull(6) ? nil : row.text(6),
                position: row.isNull(7) ? nil : Position(rawValue: row.integer(7)), changes: row.text(8) ?? "{}",
                record: row.text(9) ?? "{}")
        }
    }

    func trimHistory(entity: String, endedBefore: Int64) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            let name = try Self.historyTable(entity)
            return try query(
                """
                DELETE FROM \(name) WHERE id IN (
                    SELECT id FROM \(name) WHERE valid_to < $1 ORDER BY valid_to LIMIT $2)
                """
            ) { cells in
                cells.add(PostgresTime.stamp(endedBefore))
                cells.add(Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            }.affectedCount
        }
    }
}
