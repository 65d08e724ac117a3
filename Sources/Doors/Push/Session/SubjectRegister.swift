internal import Synchronization

/// How many connections each subject has, over all loops. Touched when a token is accepted and when a connection ends, never per
/// event.
final class SubjectRegister: Sendable {
    private let connections = Mutex<[String: Int]>([:])

    /// False when the subject has its number of connections already.
    func enter(_ subject: String, max: Int) -> Bool {
        connections.withLock { connections in
            let count = connections[subject] ?? 0
            guard count < max else { return false }
            connections[subject] = count + 1
            return true
        }
    }

    func leave(_ subject: String) {
        connections.withLock { connections in
            guard let count = connections[subject] else { return }
            connections[subject] = count > 1 ? count - 1 : nil
        }
    }
}
