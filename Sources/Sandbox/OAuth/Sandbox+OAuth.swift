import Crypto
public import Doors
import Foundation
import Logging
import Store
import Synchronization
import Twin

/// The token endpoint.
extension Sandbox: OAuthService {
    public func token(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard let grant = request["grant_type"] else { throw .missing("grant_type") }
        switch grant {
        case JWTBearer.grantType: return try await answerAssertion(request)
        case "authorization_code": return try await answerCode(request)
        case "refresh_token": return try await answerRefresh(request)
        case "client_credentials": return try await answerClientCredentials(request)
        case "password": return try await answerPassword(request)
        default: throw .grantUnsupported
        }
    }

    private func answerAssertion(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard let assertion = request["assertion"] else { throw .missing("assertion") }
        let app = JWTBearer.issuer(of: assertion).flatMap { self.app($0) } ?? foundedApp
        guard let judge = try jwtBearer(of: app, authority: request.authority) else { throw .invalidAssertion }
        let username = try judge.username(in: assertion, now: configuration.clock())
        guard let user = user(named: username) else { throw .notApproved }
        try checkAccess(of: user, to: app)
        try await checkActive(user)
        return try await answer(user, app, Scopes.server, request)
    }

    private func answerCode(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard let text = request["code"] else { throw .missing("code") }
        let app = try authenticatedApp(request)
        let now = configuration.clock()
        guard let code = state.withLock({ $0.grants.take(code: text, now: now) }), code.clientID == app.clientID else {
            throw .expiredCode
        }
        guard let redirect = request["redirect_uri"] else { throw .missing("redirect_uri") }
        guard redirect == code.redirectURI else { throw .wrongRedirect }
        guard code.isProved(by: request["code_verifier"]) else { throw .wrongVerifier }
        guard let user = user(id: code.userID) else { throw .expiredCode }
        try await checkActive(user)
        guard Scopes.givesRefreshToken(code.scopes) else {
            return try await answer(user, app, code.scopes, request, nonce: code.nonce)
        }
        let (token, grant) = try await issueGrant(user, app, scopes: code.scopes)
        return try await answer(user, app, code.scopes, request, grant: grant, refreshToken: token, nonce: code.nonce)
    }

    private func answerRefresh(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard let token = request["refresh_token"] else { throw .missing("refresh_token") }
        let app = try authenticatedApp(request)
        guard let grant = state.withLock({ $0.grants.grant(ofToken: token) }), grant.clientID == app.clientID,
            let user = user(id: grant.userID)
        else { throw .expiredToken }
        try await checkActive(user)
        guard app.rotatesRefreshTokens else {
            return try await answer(user, app, grant.scopes, request, grant: grant)
        }
        // Whoever takes the old one out is the only one who gets a new one.
        guard state.withLock({ $0.grants.revoke(token) }) != nil else { throw .expiredToken }
        let (next, nextGrant) = try await issueGrant(user, app, scopes: grant.scopes)
        return try await answer(user, app, grant.scopes, request, grant: nextGrant, refreshToken: next)
    }

    private func answerClientCredentials(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard !Self.isLoginHost(request.host) else { throw .wrongDomain }
        let app = try authenticatedApp(request, needsSecret: true)
        guard let username = app.runAsUsername, let user = user(named: username) else {
            throw .noRunAsUser
        }
        try await checkActive(user)
        return try await answer(user, app, Scopes.server, request)
    }

    private func answerPassword(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        guard configuration.allowsPasswordGrant else { throw .passwordRefused }
        let app = try authenticatedApp(request, needsSecret: true)
        guard let username = request["username"] else { throw .missing("username") }
        guard let password = request["password"] else { throw .missing("password") }
        let user = try logIn(username, password)
        guard await isActive(user) else { throw .passwordRefused }
        return try await answer(user, app, Scopes.server, request)
    }

    // MARK: Who may

    /// The app of a request, whose secret must be right where it is given or needed.
    func authenticatedApp(_ request: OAuthRequest, needsSecret: Bool? = nil) throws(OAuthError) -> ConnectedApp {
        guard let clientID = request["client_id"] else { throw .missing("client_id") }
        guard let app = app(clientID) else { throw .unknownClient }
        guard let secret = request["client_secret"] else {
            if needsSecret ?? app.requiresSecret { throw .wrongSecret }
            return app
        }
        guard Self.isSame(secret, app.clientSecret) else { throw .wrongSecret }
        return app
    }

    /// A user whose password is right. Wrong ones are counted.
    func logIn(_ username: String, _ password: String) throws(OAuthError) -> Organization.User {
        let now = configuration.clock()
        guard !state.withLock({ $0.logins.isLocked(username, now: now) }) else { throw .locked }
        // Clients put the security token behind the password.
        guard let user = user(named: username),
            Self.isSame(password, organization.password)
                || Self.isSame(password, organization.password + organization.securityToken)
        else {
            state.withLock { $0.logins.failed(username, now: now) }
            throw .passwordRefused
        }
        state.withLock { $0.logins.succeeded(username) }
        return user
    }

    func checkAccess(of user: Organization.User, to app: ConnectedApp) throws(OAuthError) {
        if app.isApproved(user.username) { return }
        guard !app.admitsApprovedUsersOnly else { throw .notAdminApproved }
        guard state.withLock({ $0.grants.isApproved(userID: user.id, clientID: app.clientID) }) else {
            throw .notApproved
        }
    }

    func checkActive(_ user: Organization.User) async throws(OAuthError) {
        guard await isActive(user) else { throw .inactiveUser }
    }

    /// Takes the same time wherever the texts differ.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        Grants.digest(left) == Grants.digest(right)
    }

    // MARK: The answer

    private func issueGrant(
        _ user: Organization.User, _ app: ConnectedApp, scopes: [String]
    ) async throws(OAuthError) -> (token: String, grant: Grants.Grant) {
        let now = configuration.clock()
        let (token, grant) = state.withLock { state in
            let issued = state.grants.issue(
                userID: user.id, clientID: app.clientID, scopes: scopes, now: now)
            for ended in issued.ended { state.sessions.revoke(grantID: ended.id) }
            return (issued.token, issued.grant)
        }
        do {
            try await saveGrants()
        } catch {
            logger.error("a refresh token could not be written", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
        return (token, grant)
    }

    private func answer(
        _ user: Organization.User, _ app: ConnectedApp, _ scopes: [String], _ request: OAuthRequest,
        grant: Grants.Grant? = nil, refreshToken: String? = nil, nonce: String? = nil
    ) async throws(OAuthError) -> TokenAnswer {
        let session: OrgSession
        do {
            session = try await issue(user, clientID: app.clientID, scopes: scopes, grantID: grant?.id)
        } catch is GrantEnded {
            throw .expiredToken
        } catch {
            logger.error("a session could not be written", metadata: ["error": "\(error)"])
            throw .serverFailure
        }
        let issuedAt = configuration.clock()
        let identity = identityURL(of: user)
        let signature = HMAC<SHA256>.authenticationCode(
            for: Data("\(identity)\(issuedAt)".utf8), using: SymmetricKey(data: Data(app.clientSecret.utf8)))
        var answer = TokenAnswer(
            accessToken: session.accessToken, instanceURL: grantedInstanceURL(for: request.authority),
            identityURL: identity, scope: scopes.joined(separator: " "), issuedAt: issuedAt,
            signature: Data(signature).base64EncodedString(),
            refreshToken: refreshToken)
        if scopes.contains("openid") {
            answer.idToken = try await idToken(user, app, accessToken: session.accessToken, nonce: nonce)
        }
        return answer
    }
}
