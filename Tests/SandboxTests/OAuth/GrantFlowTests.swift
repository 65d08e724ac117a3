import Crypto
import Doors
import Foundation
import Store
import Synchronization
import Testing
import Twin

@testable import Sandbox

/// The flows with a person or a secret, on the org itself.
struct GrantFlowTests {
    private static let callback = "http://localhost:1717/OauthRedirect"
    private static let verifier = String(repeating: "v", count: 43)

    private static var challenge: String { Base64URL.text(Data(SHA256.hash(data: Data(verifier.utf8)))) }

    private func authorization(_ org: TestOrg, _ changes: [String: String] = [:]) -> AuthorizationRequest {
        let connection = org.sandbox.connection
        return AuthorizationRequest(
            parameters: [
                "response_type": "code", "client_id": connection.clientID, "redirect_uri": Self.callback,
                "state": "a b&c", "code_challenge": Self.challenge,
            ].merging(changes) { $1 })
    }

    /// The code that a person's login gives.
    private func code(_ org: TestOrg, _ changes: [String: String] = [:]) async throws -> String {
        let connection = org.sandbox.connection
        let address = try await org.sandbox.authorize(
            authorization(org, changes), username: connection.username, password: connection.password)
        let items = try #require(URLComponents(string: address)?.queryItems)
        #expect(items.first { $0.name == "state" }?.value == "a b&c")
        return try #require(items.first { $0.name == "code" }?.value)
    }

    private func token(
        _ org: TestOrg, _ grant: String, _ parameters: [String: String], host: String = "x.my.salesforce.com",
        secret: String? = ""
    ) async throws(OAuthError) -> TokenAnswer {
        let connection = org.sandbox.connection
        var form = ["grant_type": grant, "client_id": connection.clientID]
        form["client_secret"] = secret == "" ? connection.clientSecret : secret
        return try await org.sandbox.token(
            parameters: form.merging(parameters) { $1 }.filter { $0.value != "-" }, host: host)
    }

    private func refusal(_ body: () async throws(OAuthError) -> TokenAnswer) async -> OAuthError? {
        do throws(OAuthError) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    private func exchange(_ org: TestOrg, _ code: String) -> [String: String] {
        ["code": code, "redirect_uri": Self.callback, "code_verifier": Self.verifier]
    }

    @Test func codeBecomesTokensOnce() async throws {
        let org = try await TestOrg.open()
        let code = try await code(org)
        let answer = try await token(org, "authorization_code", exchange(org, code))
        #expect(answer.scope == "refresh_token id api")
        #expect(answer.idToken == nil)
        #expect(try await org.sandbox.session(accessToken: answer.accessToken).userID == org.context.session.userID)
        let refreshed = try await token(org, "refresh_token", ["refresh_token": try #require(answer.refreshToken)])
        #expect(refreshed.refreshToken == nil)
        #expect(refreshed.accessToken != answer.accessToken)
        let again = await refusal { () async throws(OAuthError) in
            try await token(org, "authorization_code", exchange(org, code))
        }
        #expect(again == .expiredCode)
    }

    @Test func codeIsGoodForAQuarterOfAnHour() async throws {
        let org = try await TestOrg.open()
        let good = try await code(org)
        org.clock.advance(.seconds(15 * 60 - 1))
        _ = try await token(org, "authorization_code", exchange(org, good))
        let late = try await code(org)
        org.clock.advance(.seconds(15 * 60))
        let error = await refusal { () async throws(OAuthError) in
            try await token(org, "authorization_code", exchange(org, late))
        }
        #expect(error == .expiredCode)
    }

    @Test(
        arguments: [
            (["code_verifier": String(repeating: "w", count: 43)], OAuthError.wrongVerifier),
            (["code_verifier": "-"], .wrongVerifier), (["redirect_uri": "http://localhost:1718/"], .wrongRedirect),
            (["redirect_uri": "-"], .missing("redirect_uri")), (["code": "aPrxWrong"], .expiredCode),
            (["code": "-"], .missing("code")), (["client_secret": "wrong"], .wrongSecret),
            (["client_secret": "-"], .wrongSecret), (["client_id": "nobody"], .unknownClient),
            (["client_id": "-"], .missing("client_id")),
        ] as [([String: String], OAuthError)])
    func wrongExchangeIsRefused(changes: [String: String], error: OAuthError) async throws {
        let org = try await TestOrg.open()
        let form = exchange(org, try await code(org)).merging(changes) { $1 }
        let refused = await refusal { () async throws(OAuthError) in try await token(org, "authorization_code", form) }
        #expect(refused == error)
    }

    @Test(
        arguments: [
            (["client_id": "nobody"], AuthorizationRefusal.show(.unknownClient)),
            (["client_id": ""], .show(.unknownClient)), (["redirect_uri": ""], .show(.missing("redirect_uri"))),
            (["redirect_uri": "https://evil.example/"], .show(.wrongRedirect)),
            (["redirect_uri": "http://localhost.evil.example/"], .show(.wrongRedirect)),
            (["redirect_uri": "http://localhost:1@evil.example/"], .show(.wrongRedirect)),
            (["response_type": "token"], .redirect(.responseTypeUnsupported)),
            (["response_type": ""], .redirect(.missing("response_type"))),
            (["scope": "api everything"], .redirect(.invalidScope)),
            (
                ["code_challenge_method": "plain"],
                .redirect(OAuthError(error: "invalid_request", description: "invalid code challenge"))
            ),
        ] as [([String: String], AuthorizationRefusal)])
    func wrongAuthorizationIsToldWhereItIsSafe(changes: [String: String], refusal: AuthorizationRefusal) async throws {
        let org = try await TestOrg.open()
        #expect(throws: refusal) { try org.sandbox.authorizationPrompt(authorization(org, changes)) }
    }

    @Test func tenWrongPasswordsLockTheUserForAWhile() async throws {
        let org = try await TestOrg.open { $0.allowsPasswordGrant = true }
        let connection = org.sandbox.connection
        let wrong = ["username": connection.username.uppercased(), "password": "wrong"]
        let right = ["username": connection.username, "password": connection.password]
        for _ in 0..<10 {
            let error = await refusal { () async throws(OAuthError) in try await token(org, "password", wrong) }
            #expect(error == .passwordRefused)
        }
        let locked = await refusal { () async throws(OAuthError) in try await token(org, "password", right) }
        #expect(locked == .locked)
        await #expect(throws: SOAPFault.invalidLogin) {
            try await org.sandbox.login(
                username: connection.username, password: connection.password, apiVersion: 60, authority: "",
                clientName: nil)
        }
        org.clock.advance(.seconds(15 * 60))
        _ = try await token(org, "password", right)
    }

    @Test func passwordGrantIsOffUntilItIsSwitchedOn() async throws {
        let org = try await TestOrg.open()
        let connection = org.sandbox.connection
        let form = ["username": connection.username, "password": connection.password]
        let error = await refusal { () async throws(OAuthError) in try await token(org, "password", form) }
        #expect(error == .passwordRefused)
    }

    @Test func clientCredentialsNeedMyDomainASecretAndAUser() async throws {
        var bare = ConnectedApp(name: "Bare", clientID: "bare", clientSecret: "bare secret")
        bare.runAsUsername = nil
        let org = try await TestOrg.open { [bare] in $0.connectedApps = [bare] }
        let answer = try await token(org, "client_credentials", [:])
        #expect(try await org.sandbox.session(accessToken: answer.accessToken).userID == org.context.session.userID)
        #expect(answer.refreshToken == nil)
        for host in ["login.salesforce.com", "test.salesforce.com:443"] {
            let error = await refusal { () async throws(OAuthError) in
                try await token(org, "client_credentials", [:], host: host)
            }
            #expect(error == .wrongDomain)
        }
        let wrong = await refusal { () async throws(OAuthError) in
            try await token(org, "client_credentials", [:], secret: "no")
        }
        #expect(wrong == .wrongSecret)
        let nobody = await refusal { () async throws(OAuthError) in
            try await token(org, "client_credentials", ["client_id": "bare"], secret: "bare secret")
        }
        #expect(nobody == .noRunAsUser)
    }

    @Test func appForApprovedUsersAdmitsNobodyElse() async throws {
        var app = ConnectedApp(name: "Closed", clientID: "closed", clientSecret: "s")
        app.callbackURLs = ["https://closed.example/back"]
        app.admitsApprovedUsersOnly = true
        let org = try await TestOrg.open { [app] in $0.connectedApps = [app] }
        let connection = org.sandbox.connection
        let request = authorization(
            org, ["client_id": "closed", "redirect_uri": "https://closed.example/back"])
        await #expect(throws: AuthorizationRefusal.redirect(.notAdminApproved)) {
            try await org.sandbox.authorize(request, username: connection.username, password: connection.password)
        }
    }

    /// A user who has allowed the access once need not be asked by the JWT flow.
    @Test func approvalIsRemembered() async throws {
        let org = try await TestOrg.open()
        let connection = org.sandbox.connection
        let unapproved = try #require(org.sandbox.usernames.last)
        let user = try #require(org.sandbox.user(named: unapproved))
        let app = org.sandbox.foundedApp
        #expect(throws: OAuthError.notApproved) { try org.sandbox.checkAccess(of: user, to: app) }
        _ = try await org.sandbox.authorize(
            authorization(org), username: unapproved, password: connection.password)
        try org.sandbox.checkAccess(of: user, to: app)
        let again = try await org.reopened()
        try again.sandbox.checkAccess(of: user, to: app)
    }

    @Test func rotationEndsTheOldRefreshToken() async throws {
        var app = ConnectedApp(name: "Rotating", clientID: "rotating", clientSecret: "s")
        app.callbackURLs = [Self.callback]
        app.rotatesRefreshTokens = true
        let org = try await TestOrg.open { [app] in $0.connectedApps = [app] }
        let ids = ["client_id": "rotating", "client_secret": "s"]
        let code = try await code(org, ["client_id": "rotating"])
        let first = try await token(org, "authorization_code", exchange(org, code).merging(ids) { $1 })
        let old = try #require(first.refreshToken)
        let second = try await token(org, "refresh_token", ids.merging(["refresh_token": old]) { $1 })
        let next = try #require(second.refreshToken)
        #expect(next != old)
        let refused = await refusal { () async throws(OAuthError) in
            try await token(org, "refresh_token", ids.merging(["refresh_token": old]) { $1 })
        }
        #expect(refused == .expiredToken)
        _ = try await token(org, "refresh_token", ids.merging(["refresh_token": next]) { $1 })
    }

    /// What a revocation comes before is not issued, however far the refresh had come.
    @Test func aRevokedGrantGivesNoSession() async throws {
        let org = try await TestOrg.open()
        let answer = try await token(org, "authorization_code", exchange(org, try await code(org)))
        let grant = try #require(org.sandbox.state.withLock { $0.grants.revoke(answer.refreshToken ?? "") })
        let user = try #require(org.sandbox.user(id: grant.userID))
        await #expect(throws: Sandbox.GrantEnded.self) {
            _ = try await org.sandbox.issue(user, clientID: grant.clientID, scopes: grant.scopes, grantID: grant.id)
        }
    }

    @Test func refreshTokensSurviveARestartAndAreNotStored() async throws {
        let org = try await TestOrg.open()
        let answer = try await token(org, "authorization_code", exchange(org, try await code(org)))
        let refresh = try #require(answer.refreshToken)
        let again = try await org.reopened()
        _ = try await token(again, "refresh_token", ["refresh_token": refresh])
        let stored = try await again.sandbox.twin.store.read { try $0.state(Grants.stateKey) }
        #expect(!String(decoding: try #require(stored), as: UTF8.self).contains(refresh.suffix(40)))
    }

    @Test func revokingATokenEndsWhatHangsOnIt() async throws {
        let org = try await TestOrg.open()
        let answer = try await token(org, "authorization_code", exchange(org, try await code(org)))
        let refresh = try #require(answer.refreshToken)
        let second = try await token(org, "refresh_token", ["refresh_token": refresh])
        try await org.sandbox.revoke(token: refresh)
        for accessToken in [answer.accessToken, second.accessToken] {
            await #expect(throws: OrgError.self) { try await org.sandbox.session(accessToken: accessToken) }
        }
        let refused = await refusal { () async throws(OAuthError) in
            try await token(org, "refresh_token", ["refresh_token": refresh])
        }
        #expect(refused == .expiredToken)
        await #expect(throws: OAuthError.invalidToken) { try await org.sandbox.revoke(token: refresh) }
        // And the other way: an access token takes its refresh token with it.
        let third = try await token(org, "authorization_code", exchange(org, try await code(org)))
        try await org.sandbox.revoke(token: third.accessToken)
        let gone = await refusal { () async throws(OAuthError) in
            try await token(org, "refresh_token", ["refresh_token": third.refreshToken ?? ""])
        }
        #expect(gone == .expiredToken)
    }

    @Test func introspectionTellsAnAppOfItsOwnTokens() async throws {
        let other = ConnectedApp(name: "Other", clientID: "other", clientSecret: "o")
        let org = try await TestOrg.open { [other] in $0.connectedApps = [other] }
        let connection = org.sandbox.connection
        let answer = try await token(org, "client_credentials", [:])
        func introspect(_ token: String, id: String, secret: String) async throws -> [String: JSONValue] {
            try await org.sandbox.introspect(
                OAuthRequest(parameters: ["token": token], authority: "x", credentials: (id, secret))
            ).dictionary
        }
        let own = try await introspect(
            answer.accessToken, id: connection.clientID, secret: connection.clientSecret)
        #expect(own["active"] == .boolean(true))
        #expect(own["username"] == .string(connection.username))
        #expect(own["scope"] == .string("id api"))
        #expect(own["exp"] == .number(String((org.clock.now + 7_200_000) / 1_000)))
        let foreign = try await introspect(answer.accessToken, id: "other", secret: "o")
        #expect(foreign == ["active": .boolean(false)])
        let unknown = try await introspect("x", id: connection.clientID, secret: connection.clientSecret)
        #expect(unknown == ["active": .boolean(false)])
        await #expect(throws: OAuthError.wrongSecret) {
            try await introspect(answer.accessToken, id: connection.clientID, secret: "no")
        }
        org.clock.advance(.seconds(7_201))
        let over = try await introspect(
            answer.accessToken, id: connection.clientID, secret: connection.clientSecret)
        #expect(over == ["active": .boolean(false)])
    }
}
