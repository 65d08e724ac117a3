import Synchronization

/// Tells one waiting task that something may have changed.
///
/// Level-triggered and without a value: what was raised before `wait` is not missed, and several raises count as one,
/// so the waiter looks at the state again and again and nothing queues up. At most one task waits at a time. Safe from
/// any thread.
package final class Signal: Sendable {
    private enum State {
        /// Nothing has happened since the last wait.
        case idle
        /// Raised with nobody waiting: the next wait returns at once.
        case raised
        /// A task waits; raising or cancelling takes the continuation out.
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    package init() {}

    package func raise() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            switch state {
            case .idle, .raised:
                state = .raised
                return nil
            case .waiting(let continuation):
                state = .idle
                return continuation
            }
        }
        waiter?.resume()
    }

    /// Returns when raised since the last wait, or when the task is cancelled.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    switch state {
                    case .raised:
                        state = .idle
                        return true
                    case .idle:
                        // Cancelled before the continuation is stored: the handler below has found nothing to resume.
                        if Task.isCancelled { return true }
                        state = .waiting(continuation)
                        return false
                    case .waiting:
                        preconditionFailure("a signal has one waiter at a time")
                    }
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                guard case .waiting(let continuation) = state else { return nil }
                state = .idle
                return continuation
            }
            waiter?.resume()
        }
    }
}
