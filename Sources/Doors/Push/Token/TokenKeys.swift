internal import Synchronization

/// The key set that tokens are checked with now, and the sign that a newer one is wanted.
///
/// Shared by the verifier, which reads it on every loop, and by whoever fetches the issuer's JWKS. The lock is held for a
/// copy of a reference or the exchange of one, never across a signature check. Without a set every token is refused.
public final class TokenKeys: Sendable {
    private struct State {
        var set: TokenKeySet?
        /// A token named a key that is not in the set, and nobody has been told yet.
        var isMissing = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    public let algorithm: TokenAlgorithm
    private let state = Mutex(State())

    public init(algorithm: TokenAlgorithm) {
        self.algorithm = algorithm
    }

    /// Every token verified from now on is checked with this set. Connections whose token was verified before stay.
    public func replace(by set: TokenKeySet) {
        precondition(set.algorithm == algorithm, "a key set of another algorithm than the configured one")
        state.withLock { $0.set = set }
    }

    public var current: TokenKeySet? { state.withLock { $0.set } }

    /// Suspends until a token names a key that is not known; returns at once when one did since the last call, however
    /// many did. Cancelling returns at once too. For one caller at a time: a second one trips a precondition.
    public func keyMissed() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    // Under the lock: a cancellation that came before has found no waiter to wake.
                    if state.isMissing || Task.isCancelled {
                        if !Task.isCancelled { state.isMissing = false }
                        return true
                    }
                    precondition(state.waiter == nil, "only one waits for missing keys")
                    state.waiter = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in state.waiter.take() }?.resume()
        }
    }

    /// The key a token's header names. Does not block; an unknown one wakes who waits in `keyMissed`.
    func key(for id: String?) throws(TokenError) -> VerifyingKey {
        guard let set = current else {
            throw TokenError(
                code: .notReady, message: "tokens cannot be checked yet: the issuer's keys have not been received")
        }
        do {
            return try set.key(for: id)
        } catch {
            miss()
            throw error
        }
    }

    func miss() {
        let waiter = state.withLock { state in
            let waiter = state.waiter.take()
            state.isMissing = waiter == nil
            return waiter
        }
        waiter?.resume()
    }
}
