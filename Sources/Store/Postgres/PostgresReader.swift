/// A session that reads. Used by one thread at a time: the one that has taken it out of the store's idle ones.
///
/// `@unchecked Sendable` for that reason.
final class PostgresReader: @unchecked Sendable {
    let connection: PostgresConnection
    /// False after a read that was ended in the middle: a late request to end it could hit the next.
    private(set) var isUsable = true
    private var layouts: [String: PostgresLayout] = [:]
    private var layoutsVersion: Int64 = -1

    init(_ address: PostgresAddress, name: String) throws(StoreError) {
        connection = try PostgresConnection(address, name: name)
    }

    func snapshot<T>(_ watch: ReadWatch, _ body: (any StoreReader) throws -> T) -> Result<T, any Error> {
        connection.watch = watch
        defer {
            connection.watch = nil
            if watch.isCancelled || watch.isOverdue || !connection.isIdle { isUsable = false }
        }
        let session: PostgresSession
        do throws(StoreError) {
            session = try begin()
        } catch {
            isUsable = false
            return .failure(error)
        }
        let answer = Result { try body(session) }
        // Statements of a read change nothing: ending is all the same to it, whichever way, and one that fails ends the session.
        connection.watch = nil
        _ = try? connection.query("ROLLBACK")
        return answer
    }

    /// The snapshot is taken after the lock: a change of tables that is under way is waited for, and the tables are those that
    /// the snapshot has. `LOCK TABLE` itself takes none.
    private func begin() throws(StoreError) -> PostgresSession {
        try connection.deallocate()
        try connection.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.send("LOCK TABLE millrace.object_tables IN ACCESS SHARE MODE")
        let found = try connection.query("SELECT version FROM millrace.object_tables_version").first?.integer(0)
        guard let version = found else {
            throw StoreError(code: .corrupt, message: "the database does not tell the version of its tables")
        }
        if version != layoutsVersion {
            connection.forgetStatements()
            layouts = try PostgresSession(connection, layouts: [:]).loadLayouts()
            layoutsVersion = version
        }
        return PostgresSession(connection, layouts: layouts)
    }
}
