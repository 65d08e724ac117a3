internal import Synchronization

/// Lets one task sleep until another says that something has changed, or until a deadline.
///
/// A signal that comes while nobody waits is kept (once) for the next wait, so none is lost between looking and waiting. One
/// waiting task at a time; any thread may signal.
final class Wakeup: Sendable {
    private enum State {
        case idle
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    func signal() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            switch state {
            case .idle, .signalled:
                state = .signalled
                return nil
            case .waiting(let continuation):
                state = .idle
                return continuation
            }
        }
        waiting?.resume()
    }

    /// Returns when signalled or cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state -> Bool in
                    switch state {
                    case .signalled:
                        state = .idle
                        return true
                    case .idle:
                        // The cancellation handler may have run already and found nobody.
                        if Task.isCancelled { return true }
                        state = .waiting(continuation)
                        return false
                    case .waiting:
                        preconditionFailure("two tasks wait for one wakeup")
                    }
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard case .waiting(let continuation) = state else { return nil }
                state = .idle
                return continuation
            }
            waiting?.resume()
        }
    }

    /// Returns when signalled or cancelled, when `other` returns, or at the deadline. `other` must end when it is cancelled.
    func wait(until deadline: ContinuousClock.Instant, or other: (@Sendable () async -> Void)? = nil) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                if let other {
                    await other()
                } else {
                    // Cancelled is how the other child says that it came first.
                    try? await Task.sleep(until: deadline, clock: .continuous)
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
