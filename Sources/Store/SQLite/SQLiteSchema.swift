import Foundation
import GRDB

/// The tables, as migrations: appended, never edited. `docs/store.md` says what each is for.
enum SQLiteSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 log, records, schemas, cursors, gaps, state") { database in
            try database.execute(sql: version1)
        }
        migrator.registerMigration("2 tables of objects") { database in
            try database.execute(sql: version2)
        }
        migrator.registerMigration("3 state in rows") { database in
            try database.execute(sql: version3)
        }
        migrator.registerMigration("4 checksums beside the log") { database in
            // The functions of a store's connections, which a migration by other means may lack.
            try RowChecksum.add(to: database)
            for table in RowChecksum.firstTables {
                try database.execute(
                    sql: """
                        ALTER TABLE \(table.name) ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                        UPDATE \(table.name) SET checksum = row_checksum('\(table.name)', \(table.columns));
                        """)
            }
        }
        migrator.registerMigration("5 what is to be refetched, in tables of objects") { database in
            for definition in try Data.fetchAll(database, sql: "SELECT CAST(definition AS BLOB) FROM object_tables") {
                let table = try JSONDecoder().decode(ObjectTable.self, from: definition)
                try database.execute(sql: TableLayout(table).createRefetchIndexSQL)
            }
        }
        migrator.registerMigration("6 table of gaps") { database in
            try database.execute(sql: version6)
        }
        return migrator
    }

    /// The table of gaps, what is in doubt by its entries, and a view of it for people. A number of an entry is never given
    /// twice: a reading of rows remembers up to which entry it mends.
    private static let version6 = """
        CREATE TABLE gap_entries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            declared_at INTEGER NOT NULL,
            topic TEXT NOT NULL,
            entity TEXT,
            reason TEXT NOT NULL,
            scope TEXT NOT NULL,
            position INTEGER NOT NULL,
            replay_id TEXT,
            missed_from INTEGER,
            missed_until INTEGER,
            record_count INTEGER NOT NULL,
            record_ids TEXT NOT NULL,
            mend TEXT NOT NULL,
            snapshots TEXT NOT NULL,
            mended_at INTEGER,
            checksum INTEGER NOT NULL
        );
        CREATE INDEX gap_entries_open ON gap_entries (id) WHERE mended_at IS NULL AND mend <> 'nobody';
        CREATE INDEX gap_entries_declared ON gap_entries (declared_at);
        CREATE TABLE gap_doubts (
            entity TEXT NOT NULL,
            record_id TEXT NOT NULL,
            entry INTEGER NOT NULL,
            PRIMARY KEY (entity, record_id, entry)
        ) WITHOUT ROWID;
        CREATE INDEX gap_doubts_entry ON gap_doubts (entry);
        CREATE VIEW gap_report AS
        SELECT id, CASE WHEN mended_at IS NOT NULL THEN 'mended' WHEN mend = 'nobody' THEN 'told' ELSE 'open' END
            AS standing,
            strftime('%Y-%m-%dT%H:%M:%SZ', declared_at / 1000, 'unixepoch') AS declared, topic, entity AS object, reason,
            scope, record_count, record_ids, replay_id, position,
            strftime('%Y-%m-%dT%H:%M:%SZ', missed_from / 1000, 'unixepoch') AS missed_from,
            strftime('%Y-%m-%dT%H:%M:%SZ', missed_until / 1000, 'unixepoch') AS missed_until, mend, snapshots,
            strftime('%Y-%m-%dT%H:%M:%SZ', mended_at / 1000, 'unixepoch') AS mended
        FROM gap_entries ORDER BY id DESC;
        """

    /// In a table without row ids the value stands beside its key, and finding a key copies the values that it is compared
    /// with: some are long.
    private static let version3 = """
        CREATE TABLE state_rows (
            key TEXT PRIMARY KEY,
            value BLOB NOT NULL
        );
        INSERT INTO state_rows SELECT key, value FROM state;
        DROP TABLE state;
        ALTER TABLE state_rows RENAME TO state;
        """

    /// The tables of objects that there are; the tables themselves are made by `define`.
    private static let version2 = """
        CREATE TABLE object_tables (
            entity TEXT PRIMARY KEY,
            definition TEXT NOT NULL
        ) WITHOUT ROWID;
        """

    /// `replay_key` is the replay id with the two zero bytes of the 10-byte form cut off, so that both forms of a counter
    /// are one place. It leads the index so that a place is found with and without a topic.
    ///
    /// In `log` the wide columns stand last: a scan for a topic then does not read the overflow pages of payloads.
    ///
    /// `log_summary` has one row. Positions come from its `head`, not from the rows, so that they are never given twice, and
    /// without gaps, so that a missing row is noticed.
    private static let version1 = """
        CREATE TABLE log (
            position INTEGER PRIMARY KEY,
            topic TEXT NOT NULL,
            event_name TEXT NOT NULL,
            replay_id BLOB NOT NULL,
            event_id TEXT NOT NULL,
            schema_id TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            entity TEXT,
            change_type TEXT,
            commit_timestamp INTEGER,
            commit_number INTEGER,
            transaction_key TEXT,
            sequence_number INTEGER,
            stored_bytes INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            replay_key BLOB NOT NULL GENERATED ALWAYS AS (
                CASE WHEN length(replay_id) = 10 AND substr(replay_id, 9, 2) = x'0000'
                THEN substr(replay_id, 1, 8) ELSE replay_id END) VIRTUAL,
            header BLOB,
            transitions BLOB,
            payload BLOB NOT NULL
        );
        CREATE INDEX log_replay ON log (replay_key, topic);
        CREATE INDEX log_event_name ON log (event_name);
        CREATE TABLE log_summary (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            head INTEGER NOT NULL,
            trimmed INTEGER NOT NULL,
            stored_bytes INTEGER NOT NULL
        );
        INSERT INTO log_summary VALUES (1, 0, 0, 0);
        CREATE TABLE cursors (
            topic TEXT PRIMARY KEY,
            replay_id BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE places (
            id INTEGER PRIMARY KEY,
            replay_key BLOB NOT NULL,
            topic TEXT NOT NULL,
            position INTEGER NOT NULL,
            UNIQUE (replay_key, topic)
        );
        CREATE TABLE schemas (
            id TEXT PRIMARY KEY,
            json TEXT NOT NULL
        );
        CREATE TABLE records (
            entity TEXT NOT NULL,
            id TEXT NOT NULL,
            is_deleted INTEGER NOT NULL,
            needs_refetch INTEGER NOT NULL,
            commit_timestamp INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            image BLOB NOT NULL,
            PRIMARY KEY (entity, id)
        );
        CREATE INDEX records_refetch ON records (entity, id) WHERE needs_refetch = 1;
        CREATE TABLE gaps (
            id INTEGER PRIMARY KEY,
            position INTEGER NOT NULL,
            topic TEXT NOT NULL,
            reason TEXT NOT NULL,
            declared_at INTEGER NOT NULL
        );
        CREATE INDEX gaps_position ON gaps (position);
        CREATE TABLE state (
            key TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) WITHOUT ROWID;
        """
}
