import ChangeEvents
import GRDB
import GRDBSQLite

/// One prepared statement of a connection, used directly through SQLite's C interface.
///
/// GRDB compiles and keeps the statements (one per connection and SQL text) and owns connections, threads and transactions;
/// its row decoding is passed by because catch-up reads every event of the log through here, and `Data` and dynamic values
/// in between cost more than the read itself. Used only on the connection's queue, inside `SQLiteSession`'s calls, and always
/// reset before such a call returns, so that no statement is in use twice.
struct SQLiteStatement {
    private let pointer: OpaquePointer
    private let connection: OpaquePointer?
    /// Keeps the pointer alive.
    private let owner: Statement

    init(_ database: Database, _ sql: String) throws(StoreError) {
        do {
            let statement = try database.cachedStatement(sql: sql)
            pointer = statement.sqliteStatement
            connection = database.sqliteConnection
            owner = statement
        } catch {
            throw StoreError(sqlite: error)
        }
    }

    /// Prepared for this use and gone after it.
    init(_ database: Database, uncached sql: String) throws(StoreError) {
        do {
            let statement = try database.makeStatement(sql: sql)
            pointer = statement.sqliteStatement
            connection = database.sqliteConnection
            owner = statement
        } catch {
            throw StoreError(sqlite: error)
        }
    }

    /// SQLite copies the bytes before the call returns.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(pointer, index, value) }

    func bind(_ index: Int32, _ value: Double) { sqlite3_bind_double(pointer, index, value) }

    /// Lists have no column and are not bound.
    func bind(_ index: Int32, _ value: FieldValue) {
        switch value {
        case .null, .list: bindNull(index)
        case .boolean(let flag): bind(index, Int64(flag ? 1 : 0))
        case .integer(let number): bind(index, number)
        case .double(let number): bind(index, number)
        case .string(let text): bind(index, text)
        case .date(let milliseconds), .dateTime(let milliseconds), .time(let milliseconds): bind(index, milliseconds)
        }
    }

    func bind(_ index: Int32, _ id: RecordID) {
        id.withUTF8 { bytes in
            let characters = bytes.assumingMemoryBound(to: CChar.self)
            sqlite3_bind_text(pointer, index, characters.baseAddress, Int32(characters.count), Self.transient)
        }
    }

    func bind(_ index: Int32, _ value: String) {
        // A null pointer would bind NULL, and an empty string may have no storage.
        if value.isEmpty {
            sqlite3_bind_text(pointer, index, "", 0, Self.transient)
            return
        }
        var value = value
        value.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) { bytes in
                sqlite3_bind_text(pointer, index, bytes.baseAddress, Int32(bytes.count), Self.transient)
            }
        }
    }

    func bind(_ index: Int32, _ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            sqlite3_bind_zeroblob(pointer, index, 0)
            return
        }
        sqlite3_bind_blob64(pointer, index, base, UInt64(bytes.count), Self.transient)
    }

    func bind(_ index: Int32, _ bytes: [UInt8]) { bytes.withUnsafeBytes { bind(index, $0) } }

    func bindNull(_ index: Int32) { sqlite3_bind_null(pointer, index) }

    /// Steps to the next row; false at the end.
    func step() throws(StoreError) -> Bool {
        let code = sqlite3_step(pointer)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw StoreError(code: code, message: String(cString: sqlite3_errmsg(connection)))
        }
    }

    /// Runs to the end, ignoring rows.
    func run() throws(StoreError) {
        defer { reset() }
        while try step() {}
    }

    /// Stands on a row of another call.
    var isBusy: Bool { sqlite3_stmt_busy(pointer) != 0 }

    /// Ends the read and drops the bound values, so that a cached statement holds no payload.
    func reset() {
        // The code is that of the last step, which has been handled there.
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_NULL }

    /// SQLite keeps a type per value: a damaged row may hold another one than its column says.
    func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_INTEGER }
    func isText(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_TEXT }
    func isBlob(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_BLOB }

    enum StorageClass { case null, integer, double, text, blob }

    func storageClass(_ column: Int32) -> StorageClass {
        switch sqlite3_column_type(pointer, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer
        case SQLITE_FLOAT: .double
        case SQLITE_TEXT: .text
        default: .blob
        }
    }

    /// Whether the column holds what binding the value would put there.
    func isSame(_ column: Int32, _ value: FieldValue) -> Bool {
        switch value {
        case .null, .list: return isNull(column)
        case .boolean(let flag): return isInteger(column) && integer(column) == (flag ? 1 : 0)
        case .integer(let number), .date(let number), .dateTime(let number), .time(let number):
            return isInteger(column) && integer(column) == number
        case .double(let number):
            return storageClass(column) == .double && double(column).bitPattern == number.bitPattern
        case .string(let text):
            guard isText(column) else { return false }
            let stored = bytes(column)
            return stored.count == text.utf8.count && text.utf8.elementsEqual(stored)
        }
    }

    func double(_ column: Int32) -> Double { sqlite3_column_double(pointer, column) }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(pointer, column) }

    /// The bytes of a text or blob, valid until the next step.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(pointer, column)
        return UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : Int(sqlite3_column_bytes(pointer, column)))
    }

    /// Nil when the text is not UTF-8.
    func text(_ column: Int32) -> String? { String(checking: bytes(column)) }

    /// A text that is likely to come again in this read.
    func name(_ column: Int32, _ names: NameCache) -> String? { names.name(bytes(column)) }
}
