import GRDBSQLite

/// A connection over SQLite's C interface and nothing else.
final class BareDatabase {
    struct Failure: Error { var message: String }

    enum Value {
        case null
        case integer(Int64)
        case double(Double)
        case text([UInt8])
        case blob([UInt8])
    }

    private var connection: OpaquePointer?

    init(_ path: String) throws {
        guard sqlite3_open(path, &connection) == SQLITE_OK else { throw Failure(message: "cannot open \(path)") }
    }

    func close() {
        sqlite3_close(connection)
        connection = nil
    }

    deinit { close() }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
    }

    func rows(_ sql: String) throws -> [[Value]] {
        var rows: [[Value]] = []
        try each(sql) { row in rows.append((0..<sqlite3_column_count(row)).map { Self.value(row, $0) }) }
        return rows
    }

    func columns(_ sql: String) throws -> [String] {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        return (0..<sqlite3_column_count(statement)).map { String(cString: sqlite3_column_name(statement, $0)) }
    }

    func each(_ sql: String, _ body: (OpaquePointer?) -> Void) throws {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW { body(statement) }
    }

    /// Runs a statement for each row, so many of them in a transaction; `within` runs before each commit with the number of the
    /// transaction's first row.
    func insert(_ rows: [[Value]], _ sql: String, batch: Int, within: (Int) throws -> Void = { _ in }) throws {
        let insert = try prepare(sql)
        defer { sqlite3_finalize(insert) }
        for start in stride(from: 0, to: rows.count, by: batch) {
            try execute("BEGIN IMMEDIATE")
            for row in rows[start..<min(start + batch, rows.count)] {
                for (index, value) in row.enumerated() { Self.bind(insert, Int32(index + 1), value) }
                guard sqlite3_step(insert) == SQLITE_DONE else { throw failure() }
                sqlite3_reset(insert)
            }
            try within(start)
            try execute("COMMIT")
        }
    }

    func prepare(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        return statement
    }

    func failure() -> Failure { Failure(message: String(cString: sqlite3_errmsg(connection))) }

    private static func value(_ row: OpaquePointer?, _ column: Int32) -> Value {
        switch sqlite3_column_type(row, column) {
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(row, column))
        case SQLITE_FLOAT: .double(sqlite3_column_double(row, column))
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
        case .double(let number): sqlite3_bind_double(statement, index, number)
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
