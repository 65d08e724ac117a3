/// Our own tables, in the schema `millrace`, as migrations: appended, never edited. `docs/store.md` says what each is for.
///
/// They are those of `SQLiteSchema`. Texts of any content are written as `PostgresText` says.
enum PostgresSchema {
    static let migrations = [version1, version2]

    /// Brings the database up to date, in one transaction; refuses one of a newer version. For the session that holds the
    /// writer's lock.
    /// - Parameter newest: version to stop at; tests make older databases.
    static func migrate(
        _ connection: PostgresConnection, upTo newest: Int = migrations.count
    ) throws(StoreError) {
        let found = try connection.query("SELECT to_regclass('millrace.migrations') IS NOT NULL")
        var done = 0
        if found.first?.boolean(0) ?? false {
            done = Int(
                try connection.query("SELECT coalesce(max(version), 0) FROM millrace.migrations").first?.integer(0) ?? 0
            )
        }
        guard done <= migrations.count else {
            throw StoreError(
                code: .database,
                message: "\(connection.address) was written by a newer version of Millrace: start that one")
        }
        for version in done..<max(done, newest) {
            try connection.send("BEGIN")
            for statement in migrations[version]() {
                _ = try connection.query(unprepared: statement, PostgresCells(), types: [])
            }
            var cells = PostgresCells()
            cells.add(Int64(version + 1))
            try connection.send("INSERT INTO millrace.migrations (version) VALUES ($1::bigint)", cells)
            _ = try connection.query("COMMIT")
        }
    }

    private static func version1() -> [String] {
        [
            // IF NOT EXISTS would ask for the right to make schemas where there is nothing to make.
            """
            DO $$ BEGIN
                IF to_regnamespace('millrace') IS NULL THEN CREATE SCHEMA millrace; END IF;
                IF to_regnamespace('salesforce') IS NULL THEN CREATE SCHEMA salesforce; END IF;
            END $$
            """,
            """
            CREATE TABLE millrace.migrations (
                version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
            """,
            """
            CREATE TABLE millrace.log (
                position bigint PRIMARY KEY, topic text COLLATE "C" NOT NULL, event_name text COLLATE "C" NOT NULL,
                replay_id bytea NOT NULL, event_id text COLLATE "C" NOT NULL, schema_id text COLLATE "C" NOT NULL,
                received_at bigint NOT NULL, entity text COLLATE "C", change_type text COLLATE "C",
                commit_timestamp bigint, commit_number bigint, transaction_key text COLLATE "C",
                sequence_number bigint, header bytea, transitions bytea, payload bytea NOT NULL,
                stored_bytes bigint NOT NULL, checksum bigint NOT NULL, replay_key bytea NOT NULL)
            """,
            "CREATE INDEX log_replay ON millrace.log (replay_key, topic)",
            "CREATE INDEX log_event_name ON millrace.log (event_name)",
            // `epoch` counts the processes that have written: each takes the next one, and writes only while it stands.
            """
            CREATE TABLE millrace.log_summary (
                one integer PRIMARY KEY CHECK (one = 1), head bigint NOT NULL, trimmed bigint NOT NULL,
                stored_bytes bigint NOT NULL, epoch bigint NOT NULL)
            """,
            "INSERT INTO millrace.log_summary VALUES (1, 0, 0, 0, 0)",
            """
            CREATE TABLE millrace.cursors (
                topic text COLLATE "C" PRIMARY KEY, replay_id bytea NOT NULL, checksum bigint NOT NULL)
            """,
            """
            CREATE TABLE millrace.places (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, replay_key bytea NOT NULL,
                topic text COLLATE "C" NOT NULL, position bigint NOT NULL, checksum bigint NOT NULL,
                UNIQUE (replay_key, topic))
            """,
            """
            CREATE TABLE millrace.schemas (
                id text COLLATE "C" PRIMARY KEY, json text COLLATE "C" NOT NULL, checksum bigint NOT NULL)
            """,
            """
            CREATE TABLE millrace.records (
                entity text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, is_deleted boolean NOT NULL,
                needs_refetch boolean NOT NULL, commit_timestamp bigint NOT NULL, checksum bigint NOT NULL,
                image bytea NOT NULL, PRIMARY KEY (entity, id))
            """,
            "CREATE INDEX records_refetch ON millrace.records (entity, id) WHERE needs_refetch",
            """
            CREATE TABLE millrace.gaps (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, position bigint NOT NULL,
                topic text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL, declared_at bigint NOT NULL,
                checksum bigint NOT NULL)
            """,
            "CREATE INDEX gaps_position ON millrace.gaps (position)",
            """
            CREATE TABLE millrace.state (
                key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL, checksum bigint NOT NULL)
            """,
            """
            CREATE TABLE millrace.object_tables (
                entity text COLLATE "C" PRIMARY KEY, definition text COLLATE "C" NOT NULL, checksum bigint NOT NULL)
            """,
            // Counts the changes of `object_tables`: readers ask it whether what they know still holds.
            """
            CREATE TABLE millrace.object_tables_version (
                one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL)
            """,
            "INSERT INTO millrace.object_tables_version VALUES (1, 0)",
            foldFunction(),
        ]
    }

    /// The table of gaps, what is in doubt by its entries, and a view of it for people.
    private static func version2() -> [String] {
        [
            """
            CREATE TABLE millrace.gap_entries (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, declared_at bigint NOT NULL,
                topic text COLLATE "C" NOT NULL, entity text COLLATE "C", reason text COLLATE "C" NOT NULL,
                scope text COLLATE "C" NOT NULL, position bigint NOT NULL, replay_id text COLLATE "C",
                missed_from bigint, missed_until bigint, record_count bigint NOT NULL,
                record_ids text COLLATE "C" NOT NULL, mend text COLLATE "C" NOT NULL,
                snapshots text COLLATE "C" NOT NULL, mended_at bigint, checksum bigint NOT NULL)
            """,
            "CREATE INDEX gap_entries_open ON millrace.gap_entries (id) WHERE mended_at IS NULL AND mend <> 'nobody'",
            "CREATE INDEX gap_entries_declared ON millrace.gap_entries (declared_at)",
            """
            CREATE TABLE millrace.gap_doubts (
                entity text COLLATE "C" NOT NULL, record_id text COLLATE "C" NOT NULL, entry bigint NOT NULL,
                PRIMARY KEY (entity, record_id, entry))
            """,
            "CREATE INDEX gap_doubts_entry ON millrace.gap_doubts (entry)",
            """
            CREATE VIEW millrace.gap_report AS
            SELECT id, CASE WHEN mended_at IS NOT NULL THEN 'mended' WHEN mend = 'nobody' THEN 'told' ELSE 'open' END
                AS standing,
                to_timestamp(declared_at / 1000.0) AS declared, topic, entity AS object, reason, scope, record_count,
                record_ids, replay_id, position, to_timestamp(missed_from / 1000.0) AS missed_from,
                to_timestamp(missed_until / 1000.0) AS missed_until, mend, snapshots,
                to_timestamp(mended_at / 1000.0) AS mended
            FROM millrace.gap_entries ORDER BY id DESC
            """,
        ]
    }

    /// The folded form of a text, by which SOQL compares: `FoldedText` of the module SOQL, in SQL.
    ///
    /// The mapping is written into the function, so that an index keeps to it whatever the server's operating system or ICU
    /// does with its own. One letter has two for its small form, for which `translate` has no way.
    private static func foldFunction() -> String {
        var (capitals, smalls, pairs) = ("", "", "")
        for number in UInt32(0x80)..<0x1_F000 {
            guard let scalar = Unicode.Scalar(number) else { continue }
            let small = scalar.properties.lowercaseMapping
            if small.unicodeScalars.count > 1 {
                pairs = "replace(\(pairs.isEmpty ? "%" : pairs), '\(scalar)', '\(small)')"
            } else if small.unicodeScalars.first != scalar {
                capitals.unicodeScalars.append(scalar)
                smalls += small
            }
        }
        let replaced = (pairs.isEmpty ? "%" : pairs).replacing("%", with: "lower($1 COLLATE \"C\")")
        // A text of single bytes is the usual case.
        return """
            CREATE FUNCTION millrace.soql_fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                SELECT CASE WHEN octet_length($1) = char_length($1) THEN lower($1 COLLATE "C")
                ELSE translate(\(replaced), '\(capitals)', '\(smalls)') END
            $$
            """
    }
}
