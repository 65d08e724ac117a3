import ChangeEvents
import GRDB
import GRDBSQLite
import Synchronization

/// Lets the SQL function `soql_derived` reach what works the values out: SQLite's callback knows only its connection.
///
/// Registered for the length of one step of one statement, on the connection's queue.
final class DerivationCall {
    private let derivation: any RowDerivation
    private var failure: (any Error)?

    init(_ derivation: any RowDerivation) { self.derivation = derivation }

    /// Connection to the call under way on it. The pointer is used by that connection's queue alone, inside `during`, which
    /// keeps the object.
    private static let underWay = Mutex<[Int: Int]>([:])

    func during<T>(_ database: Database, _ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        let key = Int(bitPattern: database.sqliteConnection)
        let own = Int(bitPattern: Unmanaged.passUnretained(self).toOpaque())
        let outer = Self.underWay.withLock { calls in
            let outer = calls[key]
            calls[key] = own
            return outer
        }
        defer { Self.underWay.withLock { $0[key] = outer } }
        do throws(StoreError) {
            return try withExtendedLifetime(self) { () throws(StoreError) in try body() }
        } catch {
            guard let failure else { throw error }
            self.failure = nil
            throw StoreError(sqlite: failure)
        }
    }

    /// `soql_derived(n, sfid)`: null where there is no record.
    static let function: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
        context, _, arguments in
        guard let arguments, let id = sqlite3_value_text(arguments[1]) else { return sqlite3_result_null(context) }
        let key = Int(bitPattern: sqlite3_context_db_handle(context))
        guard let address = underWay.withLock({ $0[key] }), let pointer = UnsafeRawPointer(bitPattern: address)
        else { return sqlite3_result_error(context, "a derived value was asked for outside a query", -1) }
        let call = Unmanaged<DerivationCall>.fromOpaque(pointer).takeUnretainedValue()
        do {
            let value = try call.derivation.value(
                Int(sqlite3_value_int64(arguments[0])), ofRecord: String(cString: id))
            answer(context, value)
        } catch {
            call.failure = error
            sqlite3_result_error(context, "a derived value could not be had", -1)
        }
    }

    private static func answer(_ context: OpaquePointer?, _ value: FieldValue) {
        switch value {
        case .null, .list: sqlite3_result_null(context)
        case .boolean(let flag): sqlite3_result_int(context, flag ? 1 : 0)
        case .integer(let number), .date(let number), .dateTime(let number), .time(let number):
            sqlite3_result_int64(context, number)
        case .double(let number): sqlite3_result_double(context, number)
        case .string(let text):
            sqlite3_result_text(
                context, text, Int32(text.utf8.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }
}
