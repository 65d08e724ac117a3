internal import Synchronization
internal import Waiting

/// The key set that tokens are checked with now, and the sign that a newer one is wanted.
///
/// Shared by the verifier, which reads it on every loop, and by whoever fetches the issuer's JWKS. The lock is held for a
/// copy of a reference or the exchange of one, never across a signature check. Without a set every token is refused.
public final class TokenKeys: Sendable {
    public let algorithm: TokenAlgorithm
    private let keySet = Mutex<TokenKeySet?>(nil)
    /// A token named a key that is not in the set.
    private let missed = Signal()

    public init(algorithm: TokenAlgorithm) {
        self.algorithm = algorithm
    }

    /// Every token verified from now on is checked with this set. Connections whose token was verified before stay.
    public func replace(by set: TokenKeySet) {
        precondition(set.algorithm == algorithm, "a key set of another algorithm than the configured one")
        keySet.withLock { $0 = set }
    }

    public var current: TokenKeySet? { keySet.withLock { $0 } }

    /// Suspends until a token names a key that is not known; returns at once when one did since the last call, however
    /// many did. Cancelling returns at once too. For one caller at a time: a second one trips a precondition.
    public func keyMissed() async { await missed.wait() }

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

    func miss() { missed.raise() }
}
