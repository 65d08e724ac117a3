import ChangeEvents
import GRDB
import GRDBSQLite
import SOQL

/// What SQL lacks of SOQL, given to every connection: the order of texts, `LIKE`, `INCLUDES`, searches, parts of dates.
///
/// The callbacks run on the connection's queue, inside a step of a statement; they hold no state but the prepared pattern
/// that SQLite keeps with the statement.
enum TextFunctions {
    static let collation = "soql"

    static func add(to database: Database) throws {
        let connection = database.sqliteConnection
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC
        let codes = [
            sqlite3_create_collation_v2(connection, collation, SQLITE_UTF8, nil, compareTexts, nil),
            sqlite3_create_function_v2(connection, "soql_like", 2, flags, nil, like, nil, nil, nil),
            sqlite3_create_function_v2(connection, "soql_includes", 2, flags, nil, includes, nil, nil, nil),
            sqlite3_create_function_v2(connection, "soql_search", 2, flags, nil, search, nil, nil, nil),
            sqlite3_create_function_v2(connection, "soql_date_part", 2, flags, nil, datePart, nil, nil, nil),
            sqlite3_create_function_v2(
                connection, "soql_derived", 2, SQLITE_UTF8, nil, DerivationCall.function, nil, nil, nil),
        ]
        if let failed = codes.first(where: { $0 != SQLITE_OK }) {
            throw StoreError(code: failed, message: "the functions of SOQL cannot be added")
        }
    }

    /// As the collation compares; values of other types as they are.
    static func isEqual(_ left: FieldValue, _ right: FieldValue) -> Bool {
        guard case .string(let left) = left, case .string(let right) = right else { return left == right }
        return Array(left.utf8).withUnsafeBufferPointer { left in
            Array(right.utf8).withUnsafeBufferPointer { TextOrder.compare(left, $0) == 0 }
        }
    }

    private static let compareTexts:
        @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafeRawPointer?, Int32, UnsafeRawPointer?) -> Int32 = {
            _, leftCount, left, rightCount, right in
            TextOrder.compare(
                UnsafeBufferPointer(start: left?.assumingMemoryBound(to: UInt8.self), count: Int(leftCount)),
                UnsafeBufferPointer(start: right?.assumingMemoryBound(to: UInt8.self), count: Int(rightCount)))
        }

    private typealias Callback =
        @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void

    /// `soql_like(value, pattern)`: the pattern in SOQL's own writing, without quotes. 0 for null.
    private static let like: Callback = { context, _, arguments in
        guard let arguments, let value = text(arguments[0]) else { return sqlite3_result_int(context, 0) }
        guard let pattern = prepared(context, arguments[1], { TextPattern(soql: $0) }) else {
            return sqlite3_result_error(context, "the pattern cannot be read", -1)
        }
        sqlite3_result_int(context, pattern.matches(value) ? 1 : 0)
    }

    /// `soql_includes(value, groups)`: see `TextSelection`. 0 for null.
    private static let includes: Callback = { context, _, arguments in
        guard let arguments, let value = text(arguments[0]) else { return sqlite3_result_int(context, 0) }
        guard let selection = prepared(context, arguments[1], { TextSelection(encoded: $0) }) else {
            return sqlite3_result_error(context, "the selection cannot be read", -1)
        }
        sqlite3_result_int(context, selection.matches(value) ? 1 : 0)
    }

    /// `soql_search(value, search)`: see `TextSearch`. 0 for null.
    private static let search: Callback = { context, _, arguments in
        guard let arguments, let value = text(arguments[0]) else { return sqlite3_result_int(context, 0) }
        guard let search = prepared(context, arguments[1], { TextSearch(encoded: $0) }) else {
            return sqlite3_result_error(context, "the search cannot be read", -1)
        }
        sqlite3_result_int(context, search.matches(value) ? 1 : 0)
    }

    /// `soql_date_part(code, milliseconds)`: null for null.
    private static let datePart: Callback = { context, _, arguments in
        guard let arguments, sqlite3_value_type(arguments[1]) == SQLITE_INTEGER,
            let part = DatePart(rawValue: Int(sqlite3_value_int64(arguments[0])))
        else { return sqlite3_result_null(context) }
        sqlite3_result_int64(context, part.value(of: sqlite3_value_int64(arguments[1])))
    }

    /// Nil for null.
    private static func text(_ value: OpaquePointer?) -> String? {
        guard sqlite3_value_type(value) == SQLITE_TEXT, let bytes = sqlite3_value_text(value) else { return nil }
        let count = Int(sqlite3_value_bytes(value))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The second argument made ready once per statement: SQLite keeps it as long as the argument is the same.
    private static func prepared<Prepared: AnyObject>(
        _ context: OpaquePointer?, _ argument: OpaquePointer?, _ make: (String) -> Prepared?
    ) -> Prepared? {
        if let kept = sqlite3_get_auxdata(context, 1) {
            return Unmanaged<Prepared>.fromOpaque(kept).takeUnretainedValue()
        }
        guard let text = text(argument), let made = make(text) else { return nil }
        sqlite3_set_auxdata(context, 1, Unmanaged.passRetained(made).toOpaque()) { kept in
            if let kept { Unmanaged<AnyObject>.fromOpaque(kept).release() }
        }
        return made
    }
}
