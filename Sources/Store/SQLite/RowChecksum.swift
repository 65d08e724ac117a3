import ChangeEvents
import GRDB
import GRDBSQLite

/// The checksum of a row of the small tables beside the log: `schemas`, `cursors`, `places`, `gaps`, `state`, `object_tables`,
/// `gap_entries`.
///
/// It is a function of every connection, `row_checksum(table, column, …)`, so that writing, reading and the migration that
/// added it have one definition: `row_checksum('cursors', topic, replay_id)`. The type of each value is hashed with it.
enum RowChecksum {
    /// The columns that are guarded, in their order.
    static let tables = firstTables + [(name: "gap_entries", columns: GapEntry.columnList)]

    /// Those that had none before migration 4: what it works on.
    static let firstTables = [
        (name: "schemas", columns: "id, json"),
        (name: "cursors", columns: "topic, replay_id"),
        (name: "places", columns: "replay_key, topic, position"),
        (name: "gaps", columns: "position, topic, reason, declared_at"),
        (name: "state", columns: "key, value"),
        (name: "object_tables", columns: "entity, definition"),
    ]

    static func add(to database: Database) throws(StoreError) {
        let code = sqlite3_create_function_v2(
            database.sqliteConnection, "row_checksum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nil, function, nil, nil,
            nil)
        guard code == SQLITE_OK else { throw StoreError(code: code, message: "row_checksum cannot be added") }
    }

    private static let function: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void =
        {
            context, count, arguments in
            var sum = Checksum(seed: UInt64(count))
            for index in 0..<Int(count) { add(arguments?[index], to: &sum) }
            sqlite3_result_int64(context, sum.stored)
        }

    private static func add(_ value: OpaquePointer?, to sum: inout Checksum) {
        let type = sqlite3_value_type(value)
        sum.add(Int64(type))
        switch type {
        case SQLITE_INTEGER: sum.add(sqlite3_value_int64(value))
        case SQLITE_TEXT, SQLITE_BLOB:
            let bytes = sqlite3_value_blob(value)
            sum.add(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(sqlite3_value_bytes(value))))
        default: sum.addNull()
        }
    }
}

extension SQLiteStatement {
    /// Throws where the column, a comparison of the stored checksum with the computed one, is not true.
    func checkIntact(_ column: Int32, _ what: @autoclosure () -> String) throws(StoreError) {
        guard isInteger(column), integer(column) == 1 else {
            throw StoreError(code: .corrupt, message: "\(what()) is damaged: its checksum does not match")
        }
    }
}
