import Synchronization
import Store
import Twin
import Logging
import Crypto
public import Doors
import Foundation

extension Sandbox {
    public func token(parameters: [String: String], host: String) async throws(OAuthError) -> TokenAnswer {
        guard let grant = parameters["grant_type"], !grant.isEmpty else { throw .missing("grant_type") }
        switch grant {
        case JWTBearer.grantType:
            guard let assertion = parameters["assertion"], !assertion.isEmpty else { throw .missing("assertion") }
            let now = configuration.clock()
            let username = try jwtBearer.username(in: assertion, now: now)
            guard let user = organization.user(named: username), user.isApproved else { throw .notApproved }
            return try await answer(for: user)
        case "password":
            throw .passwordRefused
        default:
            throw .grantUnsupported
        }
    }

    public func userInfo(accessToken: String) async throws(OAuthError) -> JSONValue {
        guard let session = await usedSession(accessToken), let user = organization.user(id: session.userID) else {
            throw .badToken
        }
        let instance = state.withLock { $0.addresses.instanceURL }
        let members: [(String, JSONValue)] = [
            ("sub", .string(identityURL(of: user))), ("user_id", .string(user.id)),
            ("organization_id", .string(organization.id)), ("preferred_username", .string(user.username)),
            ("nickname", .string(user.lastName)), ("name", .string("\(user.firstName) \(user.lastName)")),
            ("email", .string(user.username)), ("email_verified", .boolean(true)),
            ("given_name", .string(user.firstName)),
            ("family_name", .string(user.lastName)), ("zoneinfo", .string("Europe/Berlin")),
            (
                "urls",
                .object([
                    .init(name: "rest", value: .string(instance + "/services/data/v{version}/")),
                    .init(name: "sobjects", value: .string(instance + "/services/data/v{version}/sobjects/")),
                ])
            ),
            ("active", .boolean(true)), ("user_type", .string("STANDARD")), ("language", .string("en_US")),
            ("locale", .string("en_US")), ("utcOffset", .number("3600000")), ("is_app_installed", .boolean(true)),
        ]
        return .object(members.map { .init(name: $0.0, value: $0.1) })
    }

    /// A session for a user of the org without the OAuth flow: for programs in the same process (the demo's agents).
    public func openSession(username: String) async throws -> OrgSession {
        guard let user = organization.user(named: username) else {
            throw SandboxError(code: .unknownUser, message: "the org has no user \(username)")
        }
        return try await issue(user)
    }

    /// Usernames of the org, the integration user first.
    public var usernames: [String] { organization.users.map(\.username) }

    /// Ends every session: the next call with any token is refused, open event streams go on (as in an org).
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

    private func answer(for user: Organization.User) async throws(OAuthError) -> TokenAnswer {
        let session: OrgSession
        do {
            session = try await issue(user)
        } catch {
            logger.error("a session could not be written", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
        let issuedAt = configuration.clock()
        let identity = identityURL(of: user)
        let signature = HMAC<SHA256>.authenticationCode(
            for: Data("\(identity)\(issuedAt)".utf8), using: SymmetricKey(data: Data(organization.clientSecret.utf8)))
        return TokenAnswer(
            accessToken: session.accessToken, instanceURL: state.withLock { $0.addresses.instanceURL },
            identityURL: identity, scope: "id api", issuedAt: issuedAt, signature: Data(signature).base64EncodedString()
        )
    }

    private func issue(_ user: Organization.User) async throws -> OrgSession {
        let now = configuration.clock()
        let lifetime = configuration.sessionLifetime.wholeMilliseconds
        let session = state.withLock { state in
            var generator = SystemRandomNumberGenerator()
            return state.sessions.issue(
                user: user, organization: organization, now: now, lifetime: lifetime, using: &generator)
        }
        try await saveSessions()
        return session
    }

    /// Reads the sessions inside the transaction, so that two savers cannot write them in the wrong order.
    private func saveSessions() async throws {
        try await twin.commit { [self] writer in
            let sessions = state.withLock { $0.sessions }
            try writer.setState(Sessions.stateKey, to: [UInt8](JSONEncoder().encode(sessions)))
        }
    }

    private func identityURL(of user: Organization.User) -> String {
        state.withLock { $0.addresses.loginURL } + "/id/\(organization.id)/\(user.id)"
    }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
