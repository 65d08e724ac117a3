import GRDBSQLite

/// The rows of a store's log, written and read by a bare loop over SQLite's C interface: what the machine can do.
final class BareLog {
    struct Failure: Error { var message: String }

    private enum Value {
        case null
        case integer(Int64)
        case text([UInt8])
        case blob([UInt8])
    }

    private static let columns = """
        position, topic, event_name, replay_id, event_id, schema_id, received_at, entity, change_type, commit_timestamp, \
        commit_number, transaction_key, sequence_number, header, transitions, payload, stored_bytes, checksum
        """

    private var connection: OpaquePointer?
    private var rows: [[Value]] = []
    private(set) var bytesRead = 0

    /// Takes rows, tables and indexes of the log from a store's file.
    init(copying source: String, to path: String, isFull: Bool) throws {
        var original: OpaquePointer?
        guard sqlite3_open(source, &original) == SQLITE_OK else { throw Failure(message: "cannot open \(source)") }
        defer { sqlite3_close(original) }
        var definitions: [String] = []
        try Self.each(
            original, "SELECT sql FROM sqlite_master WHERE tbl_name IN ('log', 'log_summary') AND sql NOT NULL"
        ) {
            definitions.append(String(cString: sqlite3_column_text($0, 0)))
        }
        try Self.each(original, "SELECT \(Self.columns) FROM log ORDER BY position") { row in
            rows.append((0..<Int32(18)).map { Self.value(row, $0) })
        }
        guard sqlite3_open(path, &connection) == SQLITE_OK else { throw Failure(message: "cannot open \(path)") }
        try execute("PRAGMA auto_vacuum = INCREMENTAL")
        try execute("PRAGMA journal_mode = WAL")
        try execute("PRAGMA synchronous = \(isFull ? "FULL" : "NORMAL")")
        try execute("PRAGMA cache_size = -8192")
        for definition in definitions { try execute(definition) }
        try execute("INSERT INTO log_summary VALUES (1, 0, 0, 0)")
    }

    func append(batch: Int) throws {
        let marks = Array(repeating: "?", count: 18).joined(separator: ", ")
        let insert = try Self.prepare(connection, "INSERT INTO log (\(Self.columns)) VALUES (\(marks))")
        let update = try Self.prepare(connection, "UPDATE log_summary SET head = ?, trimmed = ?, stored_bytes = ?")
        defer {
            sqlite3_finalize(insert)
            sqlite3_finalize(update)
        }
        for start in stride(from: 0, to: rows.count, by: batch) {
            try execute("BEGIN IMMEDIATE")
            for row in rows[start..<min(start + batch, rows.count)] {
                for (index, value) in row.enumerated() { Self.bind(insert, Int32(index + 1), value) }
                guard sqlite3_step(insert) == SQLITE_DONE else { throw failure() }
                sqlite3_reset(insert)
            }
            for index in Int32(1)...3 { sqlite3_bind_int64(update, index, Int64(start)) }
            guard sqlite3_step(update) == SQLITE_DONE else { throw failure() }
            sqlite3_reset(update)
            try execute("COMMIT")
        }
    }

    /// Steps over every row and touches every column.
    func read() throws {
        try Self.each(connection, "SELECT \(Self.columns) FROM log ORDER BY position") { row in
            for column in Int32(0)..<18 { bytesRead += Int(sqlite3_column_bytes(row, column)) }
        }
    }

    func close() {
        sqlite3_close(connection)
        connection = nil
    }

    private func failure() -> Failure { Failure(message: String(cString: sqlite3_errmsg(connection))) }

    private func execute(_ sql: String) throws {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    private static func prepare(_ connection: OpaquePointer?, _ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK else {
            throw Failure(message: String(cString: sqlite3_errmsg(connection)))
        }
        return statement
    }

    private static func each(_ connection: OpaquePointer?, _ sql: String, _ body: (OpaquePointer?) -> Void) throws {
        let statement = try prepare(connection, sql)
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW { body(statement) }
    }

    private static func value(_ row: OpaquePointer?, _ column: Int32) -> Value {
        switch sqlite3_column_type(row, column) {
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(row, column))
        case SQLITE_TEXT: .text(bytes(row, column))
        case SQLITE_BLOB: .blob(bytes(row, column))
        default: .null
        }
    }

    private static func bytes(_ row: OpaquePointer?, _ column: Int32) -> [UInt8] {
        let base = sqlite3_column_blob(row, column)
        return Array(
            UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : Int(sqlite3_column_bytes(row, column))))
    }

    private static func bind(_ statement: OpaquePointer?, _ index: Int32, _ value: Value) {
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .integer(let number): sqlite3_bind_int64(statement, index, number)
        case .text(let bytes):
            bytes.withUnsafeBytes { bytes in
                _ = bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), transient)
                }
            }
        case .blob(let bytes):
            bytes.withUnsafeBytes {
                _ = sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), transient)
            }
        }
    }
}
