import CrashPoints

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The session that writes, on the store's queue: it holds the writer's lock, runs one transaction at a time, and finds out
/// what became of a commit whose answer was lost.
///
/// `@unchecked Sendable`: everything in it is touched on the store's serial queue only (`PostgresStore.onQueue`).
final class PostgresWriter: @unchecked Sendable {
    /// How long the server is asked what became of a commit.
    private static let commitQuestionMax: Duration = .seconds(60)
    /// Between two attempts to reach it.
    private static let attemptInterval: useconds_t = 250_000

    private let address: PostgresAddress
    /// What our sessions call themselves on the server: for the message of whoever comes second.
    private let name: String
    private let timestamps: PostgresStore.TimestampType
    private var connection: PostgresConnection?
    /// The last session that held the lock, which the server may still have.
    private var formerProcess: Int32?
    private var epoch: Int64?
    private var layouts: [String: PostgresLayout] = [:]

    /// - Parameter name: of no other store.
    init(_ address: PostgresAddress, name: String, timestamps: PostgresStore.TimestampType) {
        self.address = address
        self.name = name
        self.timestamps = timestamps
    }

    /// Becomes the writer. Nil where another process is, and who that is.
    func begin() throws(StoreError) -> PostgresWriterLock.Holder? {
        let connection: PostgresConnection
        if let known = self.connection, known.isAlive() {
            connection = known
        } else {
            connection = try PostgresConnection(address, name: name)
            self.connection = connection
        }
        guard try PostgresWriterLock.take(connection) else {
            return try PostgresWriterLock.holder(connection)
                ?? PostgresWriterLock.Holder(process: 0, name: "", client: "")
        }
        try PostgresSchema.migrate(connection)
        let result = try connection.query("UPDATE millrace.log_summary SET epoch = epoch + 1 RETURNING epoch")
        guard let row = result.first else {
            throw StoreError(code: .corrupt, message: "the log has lost its summary row")
        }
        epoch = row.integer(0)
        formerProcess = connection.serverProcess
        let session = PostgresSession(connection, layouts: [:])
        try Self.checkEnds(session)
        layouts = try session.loadLayouts()
        return nil
    }

    /// The cheap part of the check at every start: the log ends where its summary says.
    private static func checkEnds(_ session: PostgresSession) throws(StoreError) {
        let summary = try session.loadSummary()
        guard let row = try session.query("SELECT min(position), max(position) FROM millrace.log").first else { return }
        let matches =
            row.isNull(0)
            ? summary.head == summary.trimmed
            : row.integer(0) == summary.trimmed + 1 && row.integer(1) == summary.head
        guard matches else {
            let found = row.isNull(0) ? "no event" : "positions \(row.integer(0)) to \(row.integer(1))"
            throw StoreError(
                code: .corrupt,
                message: "the log should hold positions \(summary.trimmed + 1) to \(summary.head), but holds \(found)")
        }
    }

    /// The session that holds the lock. A lost one is replaced, if no other process has become the writer meanwhile.
    private func connected() throws(StoreError) -> (PostgresConnection, epoch: Int64) {
        guard let epoch else { throw .closedStore }
        if let connection, connection.isAlive() { return (connection, epoch) }
        self.connection = nil
        let connection = try PostgresConnection(address, name: name)
        guard try PostgresWriterLock.takeBack(connection, from: formerProcess ?? 0, name: name) else {
            throw .superseded(address)
        }
        let session = PostgresSession(connection, layouts: [:])
        guard try connection.query("SELECT epoch FROM millrace.log_summary").first?.integer(0) == epoch else {
            throw .superseded(address)
        }
        layouts = try session.loadLayouts()
        formerProcess = connection.serverProcess
        self.connection = connection
        return (connection, epoch)
    }

    func transaction<T>(_ body: (any StoreWriter) throws -> T) -> Result<T, any Error> {
        let (connection, session): (PostgresConnection, PostgresSession)
        do throws(StoreError) {
            let found = try connected()
            connection = found.0
            session = PostgresSession(connection, layouts: layouts, epoch: found.epoch, timestamps: timestamps)
            try connection.deallocate()
            try connection.send("BEGIN")
        } catch {
            return .failure(error)
        }
        let value: T
        do {
            value = try body(session)
        } catch {
            rollBack(connection)
            return .failure(error)
        }
        do throws(StoreError) {
            try commit(session)
            layouts = session.layouts
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private func commit(_ session: PostgresSession) throws(StoreError) {
        let connection = session.connection
        guard session.hasWritten else {
            rollBack(connection)
            if let failure = session.failure { throw failure }
            return
        }
        do throws(StoreError) {
            try session.flushSummary()
        } catch {
            rollBack(connection)
            throw error
        }
        do throws(StoreError) {
            CrashPoint.commitBefore.reached()
            let result = try connection.query("COMMIT")
            // The server answers ROLLBACK to the COMMIT of a transaction that had failed.
            guard result.command == "COMMIT" else {
                throw StoreError(code: .database, message: "PostgreSQL has not committed: \(result.command)")
            }
            CrashPoint.commitAfter.reached()
        } catch {
            guard connection.isLost else {
                rollBack(connection)
                throw error
            }
            try resolve(session, error)
        }
    }

    private func rollBack(_ connection: PostgresConnection) {
        // What was queued may fail now; it is not wanted any more.
        _ = try? connection.synchronize()
        _ = try? connection.query("ROLLBACK")
        // A session that cannot be brought out of its transaction is not used again: the next call makes another.
        if connection.isLost || !connection.isIdle { self.connection = nil }
    }

    /// The connection was lost when the transaction was to be committed: the server is asked whether it was. Returns if so.
    private func resolve(_ session: PostgresSession, _ loss: StoreError) throws(StoreError) {
        connection = nil
        guard let number = session.transactionNumber else { throw loss }
        let end = ContinuousClock.now + Self.commitQuestionMax
        let former = session.connection.serverProcess
        while ContinuousClock.now < end {
            let outcome: Outcome
            do throws(StoreError) {
                let connection = try PostgresConnection(address, name: name)
                outcome = try Self.outcome(of: number, session: former, name: name, connection, until: end)
            } catch {
                // The server is away: it is asked again.
                guard error.code == .disconnected else { throw unknown(number, error) }
                usleep(Self.attemptInterval)
                continue
            }
            switch outcome {
            case .committed: return
            case .aborted:
                throw StoreError(
                    code: .disconnected,
                    message: "the connection to \(address) was lost, and the transaction did not happen", cause: loss)
            case .unknown: throw unknown(number, loss)
            }
        }
        throw unknown(number, loss)
    }

    private enum Outcome { case committed, aborted, unknown }

    /// What the server says of a transaction, once it is decided.
    private static func outcome(
        of number: Int64, session: Int32, name: String, _ connection: PostgresConnection,
        until end: ContinuousClock.Instant
    ) throws(StoreError) -> Outcome {
        var cells = PostgresCells()
        cells.add("\(number)")
        while ContinuousClock.now < end {
            switch try connection.query("SELECT pg_xact_status($1::text::xid8)", cells).first?.text(0) {
            case "committed": return .committed
            case "aborted": return .aborted
            case "in progress":
                // The server has not noticed the loss, or is still committing: with the session's end it is decided.
                try PostgresWriterLock.endSession(session, name: name, connection)
                try PostgresWriterLock.pause(connection)
            default: return .unknown
            }
        }
        return .unknown
    }

    private func unknown(_ number: Int64, _ loss: StoreError) -> StoreError {
        StoreError(
            code: .outcomeUnknown,
            message:
                "the connection to \(address) was lost while transaction \(number) committed, and the server does not tell "
                + "whether it did", cause: loss)
    }

    /// Writes no more. Where the lock cannot be released, it goes with the session.
    func end() {
        if epoch != nil, let connection, connection.isAlive() { try? PostgresWriterLock.release(connection) }
        connection = nil
        epoch = nil
    }
}
