internal import Synchronization

/// A value that is settled once, or the reason why it will not be, and that any number of tasks may wait for.
///
/// Safe from any thread. Cancelling a waiting task ends its wait with `CancellationError`.
public final class Announcement<Value: Sendable>: Sendable {
    private enum State {
        /// Not settled yet; who waits, by ticket.
        case pending(waiting: [Int: CheckedContinuation<Value, any Error>], nextTicket: Int)
        case settled(Result<Value, any Error>)
    }

    private let state = Mutex(State.pending(waiting: [:], nextTicket: 0))

    public init() {}

    /// The value, when it is there already.
    public var current: Value? {
        state.withLock { state in
            if case .settled(.success(let value)) = state { value } else { nil }
        }
    }

    /// Waits for the value; throws what kept it from being there.
    public func value() async throws -> Value {
        let ticket = state.withLock { state -> Int in
            guard case .pending(let waiting, let ticket) = state else { return 0 }
            state = .pending(waiting: waiting, nextTicket: ticket + 1)
            return ticket
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<Value, any Error>? in
                    switch state {
                    case .settled(let result):
                        return result
                    case .pending(var waiting, let nextTicket):
                        // Cancelled before it began to wait: the cancellation handler has already run, and found nobody.
                        if Task.isCancelled { return .failure(CancellationError()) }
                        waiting[ticket] = continuation
                        state = .pending(waiting: waiting, nextTicket: nextTicket)
                        return nil
                    }
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            let cancelled = state.withLock { state -> CheckedContinuation<Value, any Error>? in
                guard case .pending(var waiting, let nextTicket) = state else { return nil }
                let continuation = waiting.removeValue(forKey: ticket)
                state = .pending(waiting: waiting, nextTicket: nextTicket)
                return continuation
            }
            cancelled?.resume(throwing: CancellationError())
        }
    }

    /// Settles the value; later calls have no effect.
    public func settle(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [Int: CheckedContinuation<Value, any Error>] in
            guard case .pending(let waiting, _) = state else { return [:] }
            state = .settled(result)
            return waiting
        }
        for continuation in waiting.values { continuation.resume(with: result) }
    }

    public func publish(_ value: Value) { settle(.success(value)) }
}
