import GRDBSQLite

/// The rows of a store's log, written and read by a bare loop over SQLite's C interface: what the machine can do.
final class BareLog {
    private static let columns = """
        position, topic, event_name, replay_id, event_id, schema_id, received_at, entity, change_type, commit_timestamp, \
        commit_number, transaction_key, sequence_number, header, transitions, payload, stored_bytes, checksum
        """

    private let database: BareDatabase
    private let rows: [[BareDatabase.Value]]
    private(set) var bytesRead = 0

    /// Takes rows, tables and indexes of the log from a store's file.
    init(copying source: String, to path: String, isFull: Bool) throws {
        let original = try BareDatabase(source)
        rows = try original.rows("SELECT \(Self.columns) FROM log ORDER BY position")
        database = try BareDatabase(path)
        try database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        try database.execute("PRAGMA journal_mode = WAL")
        try database.execute("PRAGMA synchronous = \(isFull ? "FULL" : "NORMAL")")
        try database.execute("PRAGMA cache_size = -8192")
        var definitions: [String] = []
        try original.each(
            "SELECT sql FROM sqlite_master WHERE tbl_name IN ('log', 'log_summary') AND sql NOT NULL"
        ) { row in
            definitions.append(String(cString: sqlite3_column_text(row, 0)))
        }
        for definition in definitions { try database.execute(definition) }
        try database.execute("INSERT INTO log_summary VALUES (1, 0, 0, 0)")
    }

    func append(batch: Int) throws {
        let marks = Array(repeating: "?", count: 18).joined(separator: ", ")
        let update = try database.prepare("UPDATE log_summary SET head = ?, trimmed = ?, stored_bytes = ?")
        defer { sqlite3_finalize(update) }
        try database.insert(rows, "INSERT INTO log (\(Self.columns)) VALUES (\(marks))", batch: batch) { start in
            for index in Int32(1)...3 { sqlite3_bind_int64(update, index, Int64(start)) }
            guard sqlite3_step(update) == SQLITE_DONE else { throw database.failure() }
            sqlite3_reset(update)
        }
    }

    /// Steps over every row and touches every column.
    func read() throws {
        try database.each("SELECT \(Self.columns) FROM log ORDER BY position") { row in
            for column in Int32(0)..<18 { bytesRead += Int(sqlite3_column_bytes(row, column)) }
        }
    }

    func close() { database.close() }
}
