import Synchronization
import Testing

@testable import Doors

@Suite struct OAuthDoorTests {
    private static let form = ("Content-Type", "application/x-www-form-urlencoded")

    private func withDoor(_ body: @escaping @Sendable (RunningDoor, FakeOrg) async throws -> Void) async throws {
        let org = FakeOrg()
        try await withHTTPDoor(routes: [OAuthDoor(service: org)]) { try await body($0, org) }
    }

    @Test func tokenAnswerHasSalesforcesShape() async throws {
        try await withDoor { running, org in
            let answer = try await running.send(
                "POST", "/services/oauth2/token", headers: [Self.form, ("Host", "Login.Salesforce.com:8443")],
                body: "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a%2Bb%3Dc")
            #expect(answer.status == 200)
            #expect(
                answer.body
                    == #"{"access_token":"good!token","signature":"c2ln","scope":"api id","instance_url":"https://x.my.salesforce.com","id":"https://login.salesforce.com/id/00D/005","token_type":"Bearer","issued_at":"1667600739962"}"#
            )
            #expect(answer.header("cache-control") == "no-store")
            #expect(org.state.withLock { $0.hosts } == ["login.salesforce.com"])
            #expect(
                org.state.withLock { $0.parameters } == [
                    ["grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a+b=c"]
                ])
        }
    }

    @Test func refusalHasOAuthsForm() async throws {
        try await withDoor { running, _ in
            let answer = try await running.send(
                "POST", "/services/oauth2/token", headers: [Self.form], body: "grant_type=x&assertion=wrong")
            #expect(answer.status == 400)
            #expect(answer.body == #"{"error":"invalid_grant","error_description":"invalid assertion"}"#)
        }
    }

    @Test(arguments: [
        ("application/json", "{}"), ("application/x-www-form-urlencoded", "a=1&a=2"),
        ("application/x-www-form-urlencoded", "a=%zz"),
    ])
    func badFormIsAnInvalidRequest(type: String, body: String) async throws {
        try await withDoor { running, org in
            let answer = try await running.send(
                "POST", "/services/oauth2/token", headers: [("Content-Type", type)], body: body)
            #expect(answer.status == 400)
            #expect(answer.body.hasPrefix(#"{"error":"invalid_request","error_description":""#))
            #expect(org.state.withLock { $0.parameters.isEmpty })
        }
    }

    @Test func formThatIsTooLargeIsRefused() async throws {
        try await withDoor { running, _ in
            let answer = try await running.send(
                "POST", "/services/oauth2/token", headers: [Self.form],
                body: "a=" + String(repeating: "a", count: 70_000))
            #expect(answer.status == 413)
        }
    }

    @Test func userInfoNeedsItsToken() async throws {
        try await withDoor { running, _ in
            let good = try await running.get(
                "/services/oauth2/userinfo", headers: [("Authorization", "Bearer good!token")])
            #expect(good.body == #"{"organization_id":"00D000000000001AAA"}"#)
            let bad = try await running.get("/services/oauth2/userinfo", headers: [("Authorization", "Bearer bad")])
            #expect(bad.status == 403)
            #expect(bad.body.contains("Bad_OAuth_Token"))
            let none = try await running.get("/services/oauth2/userinfo")
            #expect(none.status == 401)
            let wrongMethod = try await running.get("/services/oauth2/token")
            #expect(wrongMethod.status == 405)
        }
    }
}
