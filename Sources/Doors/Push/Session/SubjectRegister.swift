internal import Synchronization

/// What the loops must agree on about subjects: how many connections each has, and which were revoked since when. Touched
/// when a token is accepted and when a connection ends, never per event.
final class SubjectRegister: Sendable {
    private struct State {
        var connections: [String: Int] = [:]
        var revokedAt: [String: Int64] = [:]
        var revocationOrder: [String] = []
    }

    /// Older revocations are forgotten: by then the tokens concerned should have expired.
    static let revocationCountMax = 10_000

    private let state = Mutex(State())

    /// False when the subject has its number of connections already.
    func enter(_ subject: String, max: Int) -> Bool {
        state.withLock { state in
            let count = state.connections[subject] ?? 0
            guard count < max else { return false }
            state.connections[subject] = count + 1
            return true
        }
    }

    func leave(_ subject: String) {
        state.withLock { state in
            guard let count = state.connections[subject] else { return }
            state.connections[subject] = count > 1 ? count - 1 : nil
        }
    }

    /// Tokens of the subject that were issued up to now (seconds since 1970) are worth nothing any more.
    func revoke(_ subject: String, now: Int64) {
        state.withLock { state in
            if state.revokedAt.updateValue(now, forKey: subject) == nil { state.revocationOrder.append(subject) }
            if state.revocationOrder.count > Self.revocationCountMax {
                state.revokedAt[state.revocationOrder.removeFirst()] = nil
            }
        }
    }

    /// A token that does not say when it was issued may be from before.
    func isRevoked(_ grant: Grant) -> Bool {
        state.withLock { state in
            guard let revokedAt = state.revokedAt[grant.subject] else { return false }
            return grant.issuedAt.map { $0 <= revokedAt } ?? true
        }
    }
}
