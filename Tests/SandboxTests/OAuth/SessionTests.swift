import Doors
import Store
import Twin
import Testing

@testable import Sandbox

struct SessionTests {
    @Test func useExtendsASessionAndSilenceEndsIt() async throws {
        let org = try await TestOrg.open { $0.sessionLifetime = .seconds(900) }
        let token = org.context.session.accessToken
        for _ in 0..<4 {
            org.clock.advance(.seconds(800))
            _ = try await org.sandbox.session(accessToken: token)
        }
        org.clock.advance(.seconds(900))
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.session(accessToken: token)
        }
        #expect(error == OrgError(status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid"))
    }

    @Test func revokedAndExpiredTokensAreRefused() async throws {
        let org = try await TestOrg.open()
        let token = org.context.session.accessToken
        let second = try await org.sandbox.openSession(username: org.sandbox.usernames[1])
        #expect(try await org.sandbox.revoke(accessToken: token))
        #expect(try await !org.sandbox.revoke(accessToken: token))
        #expect(
            await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.session(accessToken: token)
            } != nil)
        _ = try await org.sandbox.session(accessToken: second.accessToken)
        try await org.sandbox.expireAllSessions()
        #expect(
            await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.session(accessToken: second.accessToken)
            } != nil)
    }

    @Test func sessionsSurviveARestartAndTokensAreNotStored() async throws {
        let org = try await TestOrg.open()
        let token = org.context.session.accessToken
        let again = try await org.reopened()
        #expect(try await again.sandbox.session(accessToken: token).userID == org.context.session.userID)
        let stored = try await again.sandbox.twin.store.read { try $0.state(Sessions.stateKey) }
        let text = String(decoding: try #require(stored), as: UTF8.self)
        #expect(!text.contains(token.suffix(40)))
    }

    @Test func oldestSessionGivesWayAtTheBound() throws {
        var sessions = Sessions()
        let user = Organization.User(
            id: "0055g00000000001AAA", username: "u", firstName: "U", lastName: "V", title: "", isApproved: true)
        let organization = Organization(
            id: "00D5g00000000001AAA", instance: "5g", name: "", clientID: "c", clientSecret: "", password: "",
            users: [user])
        let first = sessions.issue(user: user, organization: organization, now: 0, lifetime: 1_000)
        let second = sessions.issue(user: user, organization: organization, now: 1, lifetime: 1_000)
        for _ in 2..<(Sessions.countMax + 1) {
            _ = sessions.issue(user: user, organization: organization, now: 2, lifetime: 1_000)
        }
        #expect(sessions.use(first.accessToken, organizationID: "", now: 3, lifetime: 1_000) == nil)
        #expect(sessions.use(second.accessToken, organizationID: "", now: 3, lifetime: 1_000) != nil)
    }
}
