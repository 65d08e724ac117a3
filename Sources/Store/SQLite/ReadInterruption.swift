import GRDBSQLite
import Synchronization

/// Ends one read when its task is cancelled or its time is over, wherever it stands: waiting for a thread, in the middle of a statement, or between
/// two of them. Thread-safe.
///
/// `sqlite3_interrupt` ends the statement that runs, and is forgotten where none does; so the statements of a read also ask
/// from time to time whether they are still wanted.
final class ReadInterruption: Sendable {
    /// Instructions of SQLite's machine between two questions: some ten microseconds.
    private static let instructionsPerQuestion: Int32 = 1_000

    private let timeMax: Duration?
    private let cancelled = Atomic<Bool>(false)
    private let overdue = Atomic<Bool>(false)
    /// Address of the connection that the read runs on, while it does.
    private let connection = Mutex<Int?>(nil)

    private let deadline = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter timeMax: counted from `begin`; nil: as long as it takes.
    init(timeMax: Duration? = nil) { self.timeMax = timeMax }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// True once a statement was ended because the time was over.
    var isOverdue: Bool { overdue.load(ordering: .relaxed) }

    /// Asked by the statement that runs.
    private var endsStatement: Bool {
        if isCancelled || isOverdue { return true }
        guard let deadline = deadline.withLock({ $0 }), ContinuousClock.now > deadline else { return false }
        overdue.store(true, ordering: .relaxed)
        return true
    }

    /// False where the read must not begin any more. To be followed by `end`.
    func begin(on database: OpaquePointer?) -> Bool {
        connection.withLock { connection in
            guard !isCancelled else { return false }
            connection = database.map { Int(bitPattern: $0) }
            if let timeMax { deadline.withLock { $0 = .now + timeMax } }
            // Not retained: the read, which holds this object, takes the question back before it ends.
            sqlite3_progress_handler(
                database, Self.instructionsPerQuestion,
                { context in
                    guard let context else { return 0 }
                    return Unmanaged<ReadInterruption>.fromOpaque(context).takeUnretainedValue().endsStatement ? 1 : 0
                },
                Unmanaged.passUnretained(self).toOpaque())
            return true
        }
    }

    func end() {
        connection.withLock { connection in
            guard let address = connection else { return }
            sqlite3_progress_handler(OpaquePointer(bitPattern: address), 0, nil, nil)
            connection = nil
        }
    }

    func interrupt() {
        connection.withLock { connection in
            cancelled.store(true, ordering: .relaxed)
            // Under the lock: afterwards another read may have the connection.
            if let address = connection { sqlite3_interrupt(OpaquePointer(bitPattern: address)) }
        }
    }
}
