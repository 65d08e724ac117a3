public import Doors
import Logging
import Synchronization

/// Introspection and revocation.
extension Sandbox {
    public func introspect(_ request: OAuthRequest) async throws(OAuthError) -> JSONValue {
        let app = try authenticatedApp(request, needsSecret: true)
        guard let token = request["token"] else { throw .missing("token") }
        let now = configuration.clock()
        let (session, grant) = state.withLock {
            ($0.sessions.description(of: token), $0.grants.grant(ofToken: token))
        }
        let inactive = Self.object([("active", .boolean(false))])
        if let session {
            // An app learns of its own tokens only.
            guard session.expiresAt > now, session.clientID == app.clientID,
                let user = user(id: session.userID)
            else { return inactive }
            let issuedAt = JSONValue.number(String((session.issuedAt ?? now) / 1_000))
            return Self.object([
                ("active", .boolean(true)), ("scope", .string(session.scopes.joined(separator: " "))),
                ("client_id", .string(session.clientID)), ("username", .string(session.username)),
                ("sub", .string(identityURL(of: user))), ("token_type", .string("access_token")),
                ("exp", .number(String(session.expiresAt / 1_000))), ("iat", issuedAt), ("nbf", issuedAt),
            ])
        }
        if let grant {
            guard grant.clientID == app.clientID, let user = user(id: grant.userID) else {
                return inactive
            }
            let issuedAt = JSONValue.number(String(grant.issuedAt / 1_000))
            return Self.object([
                ("active", .boolean(true)), ("scope", .string(grant.scopes.joined(separator: " "))),
                ("client_id", .string(grant.clientID)), ("username", .string(user.username)),
                ("sub", .string(identityURL(of: user))), ("token_type", .string("refresh_token")), ("iat", issuedAt),
                ("nbf", issuedAt),
            ])
        }
        return inactive
    }

    /// A refresh token takes its access tokens with it, an access token the refresh token that it came from.
    public func revoke(token: String) async throws(OAuthError) {
        let wasThere = state.withLock { state -> Bool in
            if let grant = state.grants.revoke(token) {
                state.sessions.revoke(grantID: grant.id)
                return true
            }
            let grantID = state.sessions.description(of: token)?.grantID
            let wasSession = state.sessions.revoke(token)
            if let grantID {
                state.grants.revoke(grantID: grantID)
                state.sessions.revoke(grantID: grantID)
            }
            return wasSession
        }
        guard wasThere else { throw .invalidToken }
        do {
            try await saveGrants()
        } catch {
            logger.error("a revocation could not be written", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
    }
}
