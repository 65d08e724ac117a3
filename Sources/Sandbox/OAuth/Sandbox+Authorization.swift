public import Doors
import Foundation
import Logging
import Synchronization

/// The authorization endpoint: what a person is asked, and the code that comes of it.
extension Sandbox {
    public func authorizationPrompt(
        _ request: AuthorizationRequest
    ) throws(AuthorizationRefusal) -> AuthorizationPrompt {
        let (app, scopes) = try checked(request)
        return AuthorizationPrompt(
            organizationName: organization.name, applicationName: app.name, scopes: scopes.map(Scopes.label))
    }

    public func authorize(
        _ request: AuthorizationRequest, username: String, password: String
    ) async throws(AuthorizationRefusal) -> String {
        let (app, scopes) = try checked(request)
        let user: Organization.User
        do throws(OAuthError) {
            user = try logIn(username, password)
        } catch {
            throw .login(
                message: error == .locked
                    ? "Your account is locked. Try again in some minutes."
                    : "Please check your username and password.")
        }
        guard await isActive(user) else { throw .login(message: "Please check your username and password.") }
        guard !app.admitsApprovedUsersOnly || app.isApproved(user.username) else {
            throw .redirect(.notAdminApproved)
        }
        let now = configuration.clock()
        let redirect = request["redirect_uri"] ?? ""
        let code = state.withLock { state in
            state.grants.approve(userID: user.id, clientID: app.clientID)
            return state.grants.issue(
                Grants.Code(
                    userID: user.id, clientID: app.clientID, redirectURI: redirect, scopes: scopes,
                    challenge: request["code_challenge"], nonce: request["nonce"],
                    expiresAt: now + Grants.codeLifetime), now: now)
        }
        do {
            try await saveGrants()
        } catch {
            logger.error("an approval could not be written", metadata: ["error": "\(error)"])
            throw .redirect(.serverFailure)
        }
        var parameters = [("code", code)]
        if let state = request["state"] { parameters.append(("state", state)) }
        return FormEncoding.url(redirect, adding: parameters)
    }

    /// Nothing is sent to an address that the app has not named.
    private func checked(
        _ request: AuthorizationRequest
    ) throws(AuthorizationRefusal) -> (app: ConnectedApp, scopes: [String]) {
        guard let clientID = request["client_id"], let app = app(clientID) else { throw .show(.unknownClient) }
        guard let redirect = request["redirect_uri"] else { throw .show(.missing("redirect_uri")) }
        guard app.takes(callback: redirect) else { throw .show(.wrongRedirect) }
        guard let type = request["response_type"] else { throw .redirect(.missing("response_type")) }
        guard type == "code" else { throw .redirect(.responseTypeUnsupported) }
        if let challenge = request["code_challenge"] {
            guard request["code_challenge_method"] ?? "S256" == "S256", challenge.utf8.count == 43 else {
                throw .redirect(OAuthError(error: "invalid_request", description: "invalid code challenge"))
            }
        } else if app.requiresCodeChallenge {
            throw .redirect(.missing("code_challenge"))
        }
        guard let text = request["scope"] else { return (app, app.defaultScopes) }
        do throws(OAuthError) {
            return (app, try Scopes.parse(text))
        } catch {
            throw .redirect(error)
        }
    }
}
