import Dispatch
import Foundation
import Synchronization

/// The store on PostgreSQL: one session that writes, several that read.
///
/// Guarantees (see `docs/store.md`): those of `SQLiteStore`, and one writer per database, wherever its process runs. Used
/// from any task; the work is done on threads of the store's own, never on the caller's.
public final class PostgresStore: EventStore {
    /// What to do where another process is the writer.
    public enum WhenLocked: Sendable, Hashable {
        /// `.busy`, naming it.
        case refuse
        /// Wait as a standby until its session ends, then take its place.
        case wait
    }

    /// What becomes of dates with times in the tables of objects. Columns that are there stay as they are: both are read and
    /// written alike, and both are in UTC.
    public enum TimestampType: String, Sendable, Hashable, CaseIterable {
        case withTimeZone = "timestamptz"
        /// As Heroku Connect has them, and applications that were written for it.
        case withoutTimeZone = "timestamp"
    }

    /// Between two questions of a standby.
    private static let lockQuestionInterval: Duration = .milliseconds(250)
    /// Where the server cannot be reached while a standby waits.
    private static let reconnectInterval: Duration = .seconds(1)

    let address: PostgresAddress
    private let name: String
    private let queue = DispatchQueue(label: "store.postgres.writer")
    private let writer: PostgresWriter
    private let readers: ReaderThreads
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var isClosed = false
        /// Sessions that no read has, with the tables that they know.
        var idle: [PostgresReader] = []
        var readsUnderWay = 0
        /// Those who wait for the last read to end.
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    /// Opens the database, making our tables where they are missing; where that is asked for, waits first until this process
    /// is the writer. Cancelling the task ends the waiting.
    ///
    /// - Parameters:
    ///   - url: `postgres://user:password@host:port/database?…`, as libpq reads it. Its user must be allowed to make schemas,
    ///     or find `millrace` and `salesforce` as its own.
    ///   - readersMax: sessions that read at the same time; more readers wait.
    public static func open(
        _ url: String, readersMax: Int = 8, whenLocked: WhenLocked = .refuse, timestamps: TimestampType = .withTimeZone
    ) async throws -> PostgresStore {
        let store = PostgresStore(try PostgresAddress(url), readersMax: readersMax, timestamps: timestamps)
        while true {
            try Task.checkCancellation()
            do {
                guard let holder = try await store.onQueue({ writer throws(StoreError) in try writer.begin() }) else {
                    return store
                }
                guard whenLocked == .wait else {
                    throw StoreError(
                        code: .busy,
                        message:
                            "\(store.address) is in use by \(holder.description): a database has one Millrace that "
                            + "writes at a time. Stop it, choose another database, or wait as its standby")
                }
                try await Task.sleep(for: lockQuestionInterval)
            } catch let error as StoreError where error.code == .disconnected && whenLocked == .wait {
                try await Task.sleep(for: reconnectInterval)
            }
        }
    }

    private init(_ address: PostgresAddress, readersMax: Int, timestamps: TimestampType) {
        self.address = address
        let host = ProcessInfo.processInfo.hostName.prefix(30)
        let process = ProcessInfo.processInfo.processIdentifier
        name = "millrace \(process)@\(host) " + String(UInt32.random(in: 0...(.max)), radix: 16)
        writer = PostgresWriter(address, name: name, timestamps: timestamps)
        readers = ReaderThreads(threadsMax: max(1, readersMax))
    }

    /// Runs a step of the writer on its queue, which also is what orders writers.
    private func onQueue<T: Sendable>(
        _ body: @escaping @Sendable (PostgresWriter) throws(StoreError) -> T
    ) async throws -> T {
        let writer = writer
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
            queue.async {
                do throws(StoreError) {
                    continuation.resume(returning: try body(writer))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    public func write<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await writeForOthers(body)
    }

    public func writeForOthers<T: Sendable>(
        _ body: @escaping @Sendable (any StoreWriter) throws -> T
    ) async throws -> T {
        if state.withLock({ $0.isClosed }) { throw StoreError.closedStore }
        let writer = writer
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: writer.transaction(body)) }
        }
    }

    public func read<T: Sendable>(
        timeMax: Duration?, _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws -> T {
        let isOpen = state.withLock { state in
            if !state.isClosed { state.readsUnderWay += 1 }
            return !state.isClosed
        }
        guard isOpen else { throw StoreError.closedStore }
        let watch = ReadWatch(timeMax: timeMax)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                readers.run {
                    let answer = self.snapshot(watch, body)
                    self.readEnded()
                    continuation.resume(with: answer)
                }
            }
        } onCancel: {
            watch.cancel()
        }
    }

    private func readEnded() {
        let closing = state.withLock { state in
            state.readsUnderWay -= 1
            guard state.readsUnderWay == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.closing = [] }
            return state.closing
        }
        for waiting in closing { waiting.resume() }
    }

    private func snapshot<T>(
        _ watch: ReadWatch, _ body: (any StoreReader) throws -> T
    ) -> Result<T, any Error> {
        guard watch.begin() else { return .failure(CancellationError()) }
        let reader: PostgresReader
        do throws(StoreError) {
            if let idle = idleReader() { reader = idle } else { reader = try PostgresReader(address, name: name) }
        } catch {
            return .failure(watch.isCancelled ? CancellationError() : error)
        }
        let answer = reader.snapshot(watch, body)
        state.withLock { state in
            if reader.connection.isLost {
                // The server was away: those that wait have lost it as well.
                state.idle.removeAll()
            } else if !state.isClosed, reader.isUsable {
                state.idle.append(reader)
            }
        }
        guard case .failure(let error) = answer, error is StoreError else { return answer }
        if watch.isCancelled { return .failure(CancellationError()) }
        if watch.isOverdue {
            return .failure(StoreError(code: .timedOut, message: "the read took longer than it may"))
        }
        return answer
    }

    /// One whose session the server has not ended meanwhile.
    private func idleReader() -> PostgresReader? {
        while let reader = state.withLock({ $0.idle.popLast() }) {
            if reader.connection.isAlive() { return reader }
        }
        return nil
    }

    public func close() async throws {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isIdle = state.withLock { state in
                if state.readsUnderWay > 0 { state.closing.append(continuation) }
                return state.readsUnderWay == 0
            }
            if isIdle { continuation.resume() }
        }
        state.withLock { $0.idle.removeAll() }
        try await onQueue { writer in writer.end() }
    }
}
