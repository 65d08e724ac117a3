import Synchronization

/// Lets callers that want the same thing at the same time share one attempt at it: the first performs the operation in
/// its own task, the others wait for its outcome.
///
/// The operation's failure goes to all of them. Its *cancellation* does not: when the performing caller is cancelled,
/// one of the waiting ones performs the operation instead. Nothing is kept after the outcome; caching is the caller's
/// business. Safe from any thread.
final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Outcome: Sendable {
        case value(Value)
        case failed(any Error)
        /// The performing caller gave up: try to become it.
        case abandoned
    }

    private typealias Waiter = CheckedContinuation<Outcome, Never>

    private struct State {
        /// The keys under way, each with those who wait for it.
        var flights: [Key: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    func value(for key: Key, _ operation: () async throws -> Value) async throws -> Value {
        while true {
            try Task.checkCancellation()
            if begin(key) {
                do {
                    let value = try await operation()
                    end(key, .value(value))
                    return value
                } catch {
                    let wasCancelled = error is CancellationError || Task.isCancelled
                    end(key, wasCancelled ? .abandoned : .failed(error))
                    throw error
                }
            }
            switch await join(key) {
            case .value(let value): return value
            case .failed(let error): throw error
            case .abandoned: continue
            }
        }
    }

    /// How many callers wait for the operation under way; nil: none is.
    func waiting(for key: Key) -> Int? { state.withLock { $0.flights[key]?.count } }

    /// True when the caller is to perform the operation.
    private func begin(_ key: Key) -> Bool {
        state.withLock { state in
            guard state.flights[key] == nil else { return false }
            state.flights[key] = [:]
            return true
        }
    }

    private func end(_ key: Key, _ outcome: Outcome) {
        let waiters = state.withLock { state in state.flights.removeValue(forKey: key) ?? [:] }
        for waiter in waiters.values { waiter.resume(returning: outcome) }
    }

    private func join(_ key: Key) async -> Outcome {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isWaiting = state.withLock { state in
                    guard !Task.isCancelled, state.flights[key] != nil else { return false }
                    state.flights[key]?[id] = waiter
                    return true
                }
                if !isWaiting { waiter.resume(returning: .abandoned) }
            }
        } onCancel: {
            let waiter = state.withLock { state in state.flights[key]?.removeValue(forKey: id) }
            waiter?.resume(returning: .abandoned)
        }
    }
}
