import Synchronization

/// Says when one read must end: its task was cancelled, or its time is over. Thread-safe.
///
/// The thread that waits for the server asks, and has the server end the statement; so a statement that is about to begin is
/// ended as well.
final class ReadWatch: Sendable {
    private let timeMax: Duration?
    private let cancelled = Atomic<Bool>(false)
    private let overdue = Atomic<Bool>(false)
    private let deadline = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter timeMax: counted from `begin`; nil: as long as it takes.
    init(timeMax: Duration?) { self.timeMax = timeMax }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// True once the time was found to be over.
    var isOverdue: Bool { overdue.load(ordering: .relaxed) }

    /// False where the read must not begin any more.
    func begin() -> Bool {
        if let timeMax { deadline.withLock { $0 = .now + timeMax } }
        return !isCancelled
    }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    var mustEnd: Bool {
        if isCancelled || isOverdue { return true }
        guard let deadline = deadline.withLock({ $0 }), ContinuousClock.now > deadline else { return false }
        overdue.store(true, ordering: .relaxed)
        return true
    }
}
