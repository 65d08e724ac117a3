import CrashPoints
import Dispatch
import Foundation
import GRDB
import Synchronization

/// The embedded store: one SQLite file in WAL mode, with GRDB's pool of connections (one writer, several readers).
///
/// Guarantees (see `docs/store.md`): what `write` returned from survives `kill -9` and, with `.full`, a power cut; a
/// transaction is whole or not there; readers see a snapshot and never block the writer; a damaged row is an error that names
/// it; a second process on the same file is refused. Used from any task; the work is done on GRDB's queues, never on the
/// caller's thread.
public final class SQLiteStore: EventStore {
    /// What a commit waits for.
    public enum Durability: Sendable, Hashable {
        /// The disk: acknowledged means there after a power cut. The default.
        case full
        /// The operating system: survives the death of the process, but the last transactions before a power cut may be gone
        /// (the file stays consistent). Salesforce would deliver them again from the older cursor; a sandbox would lose them.
        case normal
    }

    /// Connections that read at the same time; more readers wait.
    static let readersMax = 8
    /// Keepalive places kept, all topics together: 72 h of one keepalive per 270 s on 60 topics.
    static let placesMax = 65_536
    /// Events that one `trim` drops, so that it holds the writer for milliseconds.
    static let trimmedEventsPerTransactionMax = 2_000
    /// Free pages (4 KiB each) that stay in the file, to be written again.
    static let freePagesKept: Int64 = 1_024
    static let freePagesKeptPercent: Int64 = 20
    static let freePagesReturnedPerTransactionMax: Int64 = 2_048
    /// The write-ahead file is cut back to this after a burst made it longer.
    static let writeAheadBytesKept = 16 << 20
    /// Page cache per connection, as SQLite counts it.
    static let cacheKibibytes = 8_192
    /// Another connection can hold the file only while recovering it at start.
    static let busyTimeout: TimeInterval = 10

    public let path: String
    let pool: DatabasePool
    private let state: Mutex<State>
    private let admission = StatementAdmission()
    private let readers = ReaderThreads(threadsMax: readersMax)
    /// Set for a temporary store: removed with it.
    private let temporaryDirectory: String?

    private struct State: Sendable {
        var isClosed = false
        var lock: StoreLock?
        /// Tables of objects as of the last commit.
        var layouts: [String: TableLayout] = [:]
        /// SQLite's version of all tables at that commit.
        var layoutsVersion: Int64 = -1
    }

    /// Opens the database, creating it where it does not exist (its folder must). Blocks for the time of opening, which after
    /// a crash includes reading the write-ahead file. `.busy` when another process has it open.
    public convenience init(path: String, durability: Durability = .full) throws(StoreError) {
        try self.init(path: path, durability: durability, temporaryDirectory: nil)
    }

    /// A store in a folder of its own that goes with it: for tests and for trying things out.
    public static func temporary(durability: Durability = .normal) throws(StoreError) -> SQLiteStore {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
            .path
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw StoreError(code: .database, message: "cannot make \(directory): \(error)", cause: error)
        }
        return try SQLiteStore(path: directory + "/store.sqlite", durability: durability, temporaryDirectory: directory)
    }

    private init(path: String, durability: Durability, temporaryDirectory: String?) throws(StoreError) {
        self.path = path
        self.temporaryDirectory = temporaryDirectory
        state = Mutex(State(lock: try StoreLock(database: path)))
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            try pool.writeWithoutTransaction { database in
                // GRDB sets NORMAL when it turns on WAL.
                try database.execute(sql: "PRAGMA synchronous = \(durability == .full ? "FULL" : "NORMAL")")
                // What a part of a transaction needs for being undone stays in memory.
                try database.execute(sql: "PRAGMA temp_store = MEMORY")
            }
            let migrator = SQLiteSchema.migrator
            guard try pool.read({ try !migrator.hasBeenSuperseded($0) }) else {
                throw StoreError(
                    code: .database, message: "\(path) was written by a newer version of Millrace: start that one")
            }
            try migrator.migrate(pool)
            let (layouts, version) = try pool.read { database in
                let session = SQLiteSession(database, layouts: [:])
                try Self.checkEnds(session)
                return (try session.loadLayouts(), Int64(try database.schemaVersion()))
            }
            state.withLock {
                $0.layouts = layouts
                $0.layoutsVersion = version
            }
        } catch {
            throw StoreError(sqlite: error)
        }
    }

    deinit {
        // Closes what was not closed; SQLite rolls back, so that nothing half-done can stay.
        if let temporaryDirectory { try? FileManager.default.removeItem(atPath: temporaryDirectory) }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = readersMax
        configuration.busyMode = .timeout(busyTimeout)
        configuration.prepareDatabase { database in
            // Takes effect only before the first table: later it would need a VACUUM of the whole file.
            if !database.configuration.readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            try database.execute(sql: "PRAGMA journal_size_limit = \(writeAheadBytesKept)")
            try TextFunctions.add(to: database)
            try RowChecksum.add(to: database)
            try database.execute(sql: "PRAGMA cache_size = -\(cacheKibibytes)")
        }
        return configuration
    }

    /// The cheap part of the check at every start: the log ends where its summary says.
    private static func checkEnds(_ session: SQLiteSession) throws(StoreError) {
        let summary = try session.loadSummary()
        let row = try session.statement("SELECT min(position), max(position) FROM log")
        defer { row.reset() }
        guard try row.step() else { return }
        let isEmpty = row.isNull(0)
        let matches =
            isEmpty
            ? summary.head == summary.trimmed
            : row.integer(0) == summary.trimmed + 1 && row.integer(1) == summary.head
        guard matches else {
            let found = isEmpty ? "no event" : "positions \(row.integer(0)) to \(row.integer(1))"
            throw StoreError(
                code: .corrupt,
                message: "the log should hold positions \(summary.trimmed + 1) to \(summary.head), but holds \(found)")
        }
    }

    public func read<T: Sendable>(
        timeMax: Duration?, _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws -> T {
        try checkOpen()
        let interruption = ReadInterruption(timeMax: timeMax)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                readers.run { continuation.resume(with: self.snapshot(interruption, body)) }
            }
        } onCancel: {
            interruption.interrupt()
        }
    }

    private func snapshot<T>(
        _ interruption: ReadInterruption, _ body: (any StoreReader) throws -> T
    ) -> Result<T, any Error> {
        var bodyError: (any Error)?
        do {
            let value: T? = try pool.unsafeRead { database in
                guard interruption.begin(on: database.sqliteConnection) else { throw CancellationError() }
                defer { interruption.end() }
                try SQLiteStatement(database, "BEGIN DEFERRED").run()
                // Statements of a read change nothing: ending is all the same to it, whichever way.
                defer { endSnapshot(database) }
                let session = SQLiteSession(database, layouts: try layouts(in: database), admission: admission)
                do {
                    return try body(session)
                } catch {
                    bodyError = error
                    return nil
                }
            }
            if let value { return .success(value) }
        } catch let error as CancellationError {
            return .failure(error)
        } catch {
            bodyError = bodyError ?? StoreError(sqlite: error)
        }
        if bodyError is StoreError {
            if interruption.isCancelled { return .failure(CancellationError()) }
            if interruption.isOverdue {
                return .failure(StoreError(code: .timedOut, message: "the read took longer than it may"))
            }
        }
        guard let bodyError else { preconditionFailure("a read without an answer has an error") }
        return .failure(bodyError)
    }

    private func endSnapshot(_ database: Database) {
        do {
            try SQLiteStatement(database, "COMMIT").run()
        } catch {
            // An interruption may have ended the transaction already, or have struck this COMMIT.
            guard database.isInsideTransaction else { return }
            do {
                try SQLiteStatement(database, "ROLLBACK").run()
            } catch {
                preconditionFailure("a read-only transaction cannot be ended: \(error)")
            }
        }
    }

    /// The tables of objects as the snapshot has them: those of the last commit, unless tables were changed between it and
    /// the snapshot.
    private func layouts(in database: Database) throws -> [String: TableLayout] {
        let version = try SQLiteStatement(database, "PRAGMA schema_version")
        defer { version.reset() }
        guard try version.step() else {
            throw StoreError(code: .corrupt, message: "the database does not tell the version of its tables")
        }
        let known = state.withLock { ($0.layouts, $0.layoutsVersion) }
        if version.integer(0) == known.1 { return known.0 }
        let found = try SQLiteSession(database, layouts: [:]).loadLayouts()
        state.withLock { state in
            // Newer than what is known, and committed: the writer has not come to telling it yet.
            guard version.integer(0) > state.layoutsVersion else { return }
            state.layouts = found
            state.layoutsVersion = version.integer(0)
        }
        return found
    }

    public func write<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await writeForOthers(body)
    }

    public func writeForOthers<T: Sendable>(
        _ body: @escaping @Sendable (any StoreWriter) throws -> T
    ) async throws -> T {
        try checkOpen()
        // Not GRDB's async `write`: that one may throw CancellationError around a commit that happened.
        return try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                continuation.resume(with: self.transaction(on: database, body))
            }
        }
    }

    private func transaction<T>(
        on database: Database, _ body: (any StoreWriter) throws -> T
    ) -> Result<T, any Error> {
        var value: T?
        var bodyError: (any Error)?
        var layouts = self.layouts
        var layoutsVersion: Int64?
        do {
            try Self.inTransaction(database) {
                let session = SQLiteSession(database, layouts: layouts, admission: admission)
                do {
                    value = try body(session)
                } catch {
                    bodyError = error
                    return false
                }
                try session.flushSummary()
                layouts = session.layouts
                if session.layoutsAreChanged { layoutsVersion = Int64(try database.schemaVersion()) }
                return true
            }
            // Before the next writer begins: it runs on this queue.
            if let layoutsVersion {
                state.withLock { state in
                    guard layoutsVersion >= state.layoutsVersion else { return }
                    state.layouts = layouts
                    state.layoutsVersion = layoutsVersion
                }
            }
        } catch {
            // What the body threw explains more than a rollback that failed after it.
            return .failure(bodyError ?? StoreError(sqlite: error))
        }
        if let bodyError { return .failure(bodyError) }
        guard let value else { preconditionFailure("a transaction that threw nothing has run its body") }
        return .success(value)
    }

    /// What GRDB's `inTransaction` does, with statements that are compiled once: compiling `BEGIN` was a sixth of a small
    /// transaction's time.
    /// - Parameter body: answers whether to commit.
    private static func inTransaction(_ database: Database, _ body: () throws -> Bool) throws {
        func execute(_ sql: String) throws { try database.cachedStatement(sql: sql).execute() }
        try execute("BEGIN IMMEDIATE TRANSACTION")
        do {
            guard try body() else {
                try execute("ROLLBACK TRANSACTION")
                return
            }
            CrashPoint.commitBefore.reached()
            try execute("COMMIT TRANSACTION")
            CrashPoint.commitAfter.reached()
        } catch {
            // SQLite has rolled back by itself after some errors. What failed first explains more than this would.
            if database.isInsideTransaction { try? execute("ROLLBACK TRANSACTION") }
            throw error
        }
    }

    public func close() async throws {
        if state.withLock({ state in
            defer { state.isClosed = true }
            return state.isClosed
        }) {
            return
        }
        let pool = pool
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // Blocks until the transactions under way are done: not on a thread of the shared pool.
            DispatchQueue.global().async {
                continuation.resume(with: Result { try pool.close() }.mapError { StoreError(sqlite: $0) })
            }
        }
        state.withLock { $0.lock = nil }
    }

    var layouts: [String: TableLayout] { state.withLock { $0.layouts } }

    func checkOpen() throws(StoreError) {
        if state.withLock({ $0.isClosed }) { throw .closedStore }
    }
}
