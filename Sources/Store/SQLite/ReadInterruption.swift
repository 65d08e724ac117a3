import GRDBSQLite
import Synchronization

/// Ends one read when its task is cancelled, wherever it stands: waiting for a thread, or in the middle of a statement.
/// Thread-safe.
final class ReadInterruption: Sendable {
    private struct State {
        var isCancelled = false
        /// Address of the connection that the read runs on, while it does.
        var connection: Int?
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// False where the read must not begin any more.
    func begin(on connection: OpaquePointer?) -> Bool {
        state.withLock { state in
            guard !state.isCancelled else { return false }
            state.connection = connection.map { Int(bitPattern: $0) }
            return true
        }
    }

    func end() { state.withLock { $0.connection = nil } }

    func interrupt() {
        state.withLock { state in
            state.isCancelled = true
            // Under the lock: afterwards another read may have the connection.
            if let address = state.connection { sqlite3_interrupt(OpaquePointer(bitPattern: address)) }
        }
    }
}
