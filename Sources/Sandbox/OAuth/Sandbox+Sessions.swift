import ChangeEvents
public import Doors
import Foundation
import Logging
import Store
import Synchronization
import Twin

/// Sessions: opened by the grants and by programs in the same process, extended by use, ended.
extension Sandbox {
    /// A session for a user of the org without the OAuth flow: for programs in the same process (the demo's agents).
    public func openSession(username: String) async throws -> OrgSession {
        guard let user = user(named: username) else {
            throw SandboxError(code: .unknownUser, message: "the org has no user \(username)")
        }
        return try await issue(user)
    }

    /// Usernames of those that the org was founded with, the integration user first.
    public var usernames: [String] { organization.users.map { (user(id: $0.id) ?? $0).username } }

    /// The time of every session is over: the next call with any token is refused, open event streams go on (as in an org).
    public func expireAllSessions() async throws {
        state.withLock { $0.sessions.expireAll() }
        try await saveSessions()
    }

    /// Ends one session; false when there was none.
    public func revoke(accessToken: String) async throws -> Bool {
        let wasThere = state.withLock { $0.sessions.revoke(accessToken) }
        if wasThere { try await saveSessions() }
        return wasThere
    }

    /// The session of a token, extended by this use.
    func usedSession(_ accessToken: String) async -> OrgSession? {
        let now = configuration.clock()
        let lifetime = configuration.sessionLifetime.wholeMilliseconds
        let used = state.withLock {
            $0.sessions.use(accessToken, organizationID: organization.id, now: now, lifetime: lifetime)
        }
        guard let used else { return nil }
        if used.isWorthSaving {
            do {
                try await saveSessions()
            } catch {
                // The session holds in memory; only a restart would find its earlier end.
                logger.warning("a session's new end could not be written", metadata: ["error": "\(error)"])
            }
        }
        return used.session
    }

    /// The refresh token that a session was to come from has been revoked meanwhile.
    struct GrantEnded: Error {}

    /// `clientID` nil: the app that the org was founded with; empty: no app (SOAP). Throws `GrantEnded`.
    func issue(
        _ user: Organization.User, clientID: String? = nil, scopes: [String] = Scopes.server, grantID: String? = nil
    ) async throws -> OrgSession {
        let now = configuration.clock()
        let lifetime = configuration.sessionLifetime.wholeMilliseconds
        let issued = state.withLock { state -> OrgSession? in
            // Under the lock that revoking takes: whoever revokes later ends this session as well.
            if let grantID, !state.grants.contains(grantID: grantID) { return nil }
            return state.sessions.issue(
                user: user, organization: organization, now: now, lifetime: lifetime, clientID: clientID,
                scopes: scopes, grantID: grantID)
        }
        guard let session = issued else { throw GrantEnded() }
        try await saveSessions()
        return session
    }

    /// Reads the sessions inside the transaction, so that two savers cannot write them in the wrong order.
    func saveSessions() async throws {
        try await twin.commit { [self] writer in
            let sessions = state.withLock { $0.sessions }
            try writer.setState(Sessions.stateKey, to: [UInt8](JSONEncoder().encode(sessions)))
        }
    }

    /// Refresh tokens, approvals, and the sessions that hang on them.
    func saveGrants() async throws {
        try await twin.commit { [self] writer in
            let (grants, sessions) = state.withLock { ($0.grants, $0.sessions) }
            try writer.setState(Grants.stateKey, to: [UInt8](JSONEncoder().encode(grants)))
            try writer.setState(Sessions.stateKey, to: [UInt8](JSONEncoder().encode(sessions)))
        }
    }

    /// False for a user whom somebody has made inactive.
    func isActive(_ user: Organization.User) async -> Bool {
        guard let id = RecordID(user.id) else { return false }
        do {
            let record = try await twin.store.read { try $0.record(entity: "User", id: id) }
            return record.map { !$0.isDeleted && $0.image.fields["IsActive"] != .boolean(false) } ?? true
        } catch {
            logger.error("a user could not be read", metadata: ["error": "\(error)"])
            return false
        }
    }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
