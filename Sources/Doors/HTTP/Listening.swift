public import NIOCore
internal import Synchronization

/// The address a door listens on, known once it is bound: with port 0 the kernel chooses.
///
/// Any number of tasks may wait for it; it is settled once. Safe from any thread. Cancelling a waiting task ends its wait
/// with `CancellationError`.
public final class Listening: Sendable {
    private enum State {
        /// Not bound yet; who waits, by ticket.
        case pending(waiting: [Int: CheckedContinuation<SocketAddress, any Error>], nextTicket: Int)
        case settled(Result<SocketAddress, any Error>)
    }

    private let state = Mutex(State.pending(waiting: [:], nextTicket: 0))

    init() {}

    /// The bound address; throws what kept the door from opening.
    public func address() async throws -> SocketAddress {
        let ticket = state.withLock { state -> Int in
            guard case .pending(let waiting, let ticket) = state else { return 0 }
            state = .pending(waiting: waiting, nextTicket: ticket + 1)
            return ticket
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<SocketAddress, any Error>? in
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
            let cancelled = state.withLock { state -> CheckedContinuation<SocketAddress, any Error>? in
                guard case .pending(var waiting, let nextTicket) = state else { return nil }
                let continuation = waiting.removeValue(forKey: ticket)
                state = .pending(waiting: waiting, nextTicket: nextTicket)
                return continuation
            }
            cancelled?.resume(throwing: CancellationError())
        }
    }

    /// Settles the address; later calls have no effect.
    func settle(_ result: Result<SocketAddress, any Error>) {
        let waiting = state.withLock { state -> [Int: CheckedContinuation<SocketAddress, any Error>] in
            guard case .pending(let waiting, _) = state else { return [:] }
            state = .settled(result)
            return waiting
        }
        for continuation in waiting.values { continuation.resume(with: result) }
    }
}
