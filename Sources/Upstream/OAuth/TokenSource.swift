import Logging
import Synchronization

/// The org's current session, shared by everything that talks to the org.
///
/// Logs in when a session is asked for and none is there; callers at the same time share one login. A session stays
/// until `reject` names it: a JWT bearer answer has no lifetime in it, and an open stream outlives its token. A failed
/// login is answered from memory for a moment, so that a crowd of topics is one attempt. Safe from any thread.
final class TokenSource: Sendable {
    private struct State {
        var session: Session?
        var loginCount = 0
        var failure: (error: UpstreamError, until: Duration)?
    }

    private let state = Mutex(State())
    private let logins = SingleFlight<Int, Session>()
    private let login: @Sendable (_ serial: Int) async throws -> Session
    private let failureHold: Duration
    private let time: Timekeeper
    private let logger: Logger

    init(
        failureHold: Duration, time: Timekeeper, logger: Logger,
        login: @escaping @Sendable (_ serial: Int) async throws -> Session
    ) {
        self.failureHold = failureHold
        self.time = time
        self.logger = logger
        self.login = login
    }

    /// Successful and failed logins so far.
    var loginCount: Int { state.withLock { $0.loginCount } }

    /// The current session, after a login where needed. Throws `UpstreamError`, or `CancellationError`; a caller that
    /// is cancelled during the shared login leaves it to another.
    func session() async throws -> Session {
        if let session = try current() { return session }
        return try await logins.value(for: 0) {
            // Somebody else's login may have ended between the look above and becoming the one who performs it.
            if let session = try current() { return session }
            return try await logIn()
        }
    }

    /// The event bus or the org refused this session: the next `session()` logs in. A session that was replaced
    /// meanwhile stays, so that ten streams refused together make one login.
    func reject(_ session: Session) {
        state.withLock { state in
            if state.session?.serial == session.serial { state.session = nil }
        }
    }

    private func current() throws -> Session? {
        try state.withLock { state in
            if let session = state.session { return session }
            if let failure = state.failure, time.now < failure.until { throw failure.error }
            return nil
        }
    }

    private func logIn() async throws -> Session {
        let serial = state.withLock { state in
            state.loginCount += 1
            return state.loginCount
        }
        do {
            let session = try await login(serial)
            state.withLock { state in
                state.session = session
                state.failure = nil
            }
            logger.info("logged in to the org", metadata: [LogKey.org: "\(session.organizationID)"])
            return session
        } catch let error as UpstreamError {
            let until = time.now + failureHold
            state.withLock { $0.failure = (error, until) }
            throw error
        }
    }
}
