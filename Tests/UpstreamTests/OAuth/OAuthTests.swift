import AsyncHTTPClient
import Foundation
import JWTKit
import NIOCore
import TestSupport
import Testing
import Waiting

@testable import Upstream

struct JWTBearerLoginTests {
    struct Claims: JWTPayload {
        var iss: String
        var sub: String
        var aud: String
        var exp: Int

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private func login(
        _ host: Int, audience: String? = nil, path: String = "", deadline: Duration = .seconds(60),
        _ body: (JWTBearerLogin) async throws -> Void
    ) async throws {
        let org = Harness.org(login: host, pubSub: 1)
        var login = org.login
        login.audience = audience
        login.url += path
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: OrgServices.httpConfiguration(org, callDeadline: deadline))
        do {
            try await body(JWTBearerLogin(login: login, http: http, deadline: deadline))
            try await http.shutdown()
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    @Test(arguments: [nil, "https://login.salesforce.com"])
    func theAssertionIsWhatTheFlowWants(audience: String?) async throws {
        let begun = Date().timeIntervalSince1970
        try await FakeLoginHost.with { host, port in
            try await login(port, audience: audience, path: "/") { login in
                let session = try await login.session(serial: 3)
                #expect(session.accessToken == "00D000000000001!token1")
                #expect(session.organizationID == "00D000000000001EAA")
                #expect(session.instanceURL == "https://fake.my.salesforce.com")
                #expect(session.serial == 3)
                #expect(!"\(session)".contains("token1"))
            }
            let request = try #require(host.requests.first)
            #expect(request.uri == "/services/oauth2/token")
            let parts = request.body.split(separator: "&")
            #expect(parts.first == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer")
            let assertion = try #require(parts.last?.split(separator: "=").last)
            let keys = try await JWTKeyCollection().add(
                rsa: JWTKit.Insecure.RSA.PublicKey(pem: TestKeys.publicPEM), digestAlgorithm: .sha256)
            let claims = try await keys.verify(String(assertion), as: Claims.self)
            #expect(claims.iss == "the-app")
            #expect(claims.sub == "integration@electricmotors.example")
            #expect(claims.aud == audience ?? "http://127.0.0.1:\(port)")
            // Three minutes from some instant of this test, however long it took.
            #expect(Double(claims.exp) >= begun + 170 && Double(claims.exp) <= Date().timeIntervalSince1970 + 181)
        }
    }

    @Test(arguments: [
        ("invalid_grant", "user hasn't approved this consumer", 400, UpstreamError.Code.loginRefused),
        ("invalid_grant", "audience is invalid", 400, .loginRefused),
        ("invalid_grant", "invalid assertion", 400, .loginRefused),
        ("invalid_grant", "authentication failure", 400, .loginRefused),
        ("invalid_grant", "user is locked", 400, .loginRefused),
        ("invalid_grant", "expired authorization code", 400, .loginFailed),
        ("invalid_client_id", "client identifier invalid", 400, .loginRefused),
        ("invalid_client", "invalid client credentials", 400, .loginRefused),
        ("invalid_app_access", "user is not admin approved to access this app", 400, .loginRefused),
        ("unsupported_grant_type", "", 400, .loginRefused), ("inactive_user", "", 400, .loginRefused),
        ("inactive_org", "", 400, .loginRefused), ("rate_limit_exceeded", "", 400, .loginFailed),
        ("server_error", "", 500, .loginFailed), ("invalid_request", "", 503, .loginFailed),
        ("something_new", "", 400, .loginRefused),
    ])
    func errorsAreTypedByTheirCode(
        code: String, description: String, status: Int, expected: UpstreamError.Code
    ) async throws {
        let error = OAuthRefusal.error(status: status, code: code, description: description)
        #expect(error.code == expected)
        #expect(error.reason?.contains(code) == true)
    }

    @Test(arguments: [
        (200, "{}", UpstreamError.Code.loginFailed), (200, "<html>", .loginRefused), (502, "<html>", .loginFailed),
        (
            200, #"{"access_token":"","instance_url":"https://x","id":"https://l/id/00D000000000001EAA/005"}"#,
            .loginFailed
        ),
        (200, #"{"access_token":"t","id":"https://l/id/00D000000000001EAA/005000000000001AAA"}"#, .loginFailed),
        (200, #"{"access_token":"t","instance_url":"https://x"}"#, .loginFailed), (404, "{}", .loginRefused),
        (429, "{}", .loginFailed),
        (302, "", .loginRefused),
    ])
    func ananswerWithoutATokenIsNoSession(status: Int, body: String, expected: UpstreamError.Code) async throws {
        #expect(throws: UpstreamError.self) {
            _ = try JWTBearerLogin.session(status: status, body: ByteBuffer(string: body), serial: 1)
        }
        do {
            _ = try JWTBearerLogin.session(status: status, body: ByteBuffer(string: body), serial: 1)
        } catch {
            #expect(error.code == expected)
        }
    }

    @Test func theOrganizationIDIsFoundWhereItStands() {
        let id = JWTBearerLogin.organizationID
        #expect(id("https://l/id/00D000000000001EAA/005000000000001AAA", "x") == "00D000000000001EAA")
        #expect(id("https://l/id/00D000000000001/005000000000001", "x") == "00D000000000001")
        #expect(id(nil, "00D000000000002!abc") == "00D000000000002")
        #expect(id("https://l/nothing", "00D000000000002!abc") == "00D000000000002")
        #expect(id("https://l/id/001000000000001/005000000000001", "x") == nil)
        #expect(id("", "") == nil)
        #expect(id("/", "!") == nil)
    }

    @Test func anUnreachableHostIsAPassingFailure() async throws {
        try await login(1) { login in
            do {
                _ = try await login.session(serial: 1)
                Issue.record("logged in to nothing")
            } catch let error as UpstreamError {
                #expect(error.code == .loginFailed)
            }
        }
    }

    @Test func anAnswerWithoutEndIsCutOff() async throws {
        try await FakeLoginHost.with { host, port in
            host.answer([.init(body: String(repeating: " ", count: 1_000_000))])
            try await login(port) { login in
                await #expect(throws: UpstreamError.self) { _ = try await login.session(serial: 1) }
            }
        }
    }

    /// The deadline of a request ends with the answer's head: a body that stood still was waited for for ever.
    @Test func anAnswerThatStandsStillIsCutOff() async throws {
        try await FakeLoginHost.with { host, port in
            var answer = FakeLoginHost.Answer.token("00D000000000001!token1")
            answer.standsStill = true
            host.answer([answer])
            try await login(port, deadline: .seconds(1)) { login in
                do {
                    _ = try await login.session(serial: 1)
                    Issue.record("half an answer was a session")
                } catch let error as UpstreamError {
                    #expect(error.code == .loginFailed)
                }
            }
            #expect(host.requests.count == 1)
        }
    }

    @Test func anAssertionIsNotCarriedToAnotherHost() async throws {
        try await FakeLoginHost.with { other, otherPort in
            try await FakeLoginHost.with { host, port in
                host.answer([
                    .init(
                        status: 307, body: "",
                        headers: [("location", "http://127.0.0.1:\(otherPort)/services/oauth2/token")])
                ])
                try await login(port) { login in
                    await #expect(throws: UpstreamError.self) { _ = try await login.session(serial: 1) }
                }
            }
            #expect(other.requests.isEmpty)
        }
    }
}

struct TokenSourceTests {
    private func session(_ serial: Int) -> Session {
        Session(
            accessToken: "token\(serial)", instanceURL: "https://x", organizationID: "00D000000000001", serial: serial)
    }

    private func source(
        failureHold: Duration = .seconds(3600), _ login: @escaping @Sendable (Int) async throws -> Session
    ) -> TokenSource {
        TokenSource(
            failureHold: failureHold, time: Timekeeper(ContinuousClock()), logger: LogRecorder().logger(), login: login)
    }

    @Test func aSessionIsKept() async throws {
        let source = source { [self] in session($0) }
        #expect(try await source.session().serial == 1)
        #expect(try await source.session().serial == 1)
        #expect(source.loginCount == 1)
    }

    @Test func manyCallersAreOneLogin() async throws {
        let gate = Signal()
        let source = source { [self] serial in
            await gate.wait()
            return session(serial)
        }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 { group.addTask { try await source.session().serial } }
            try await poll("the login has begun") { source.loginCount == 1 }
            gate.raise()
            for try await serial in group { #expect(serial == 1) }
        }
        #expect(source.loginCount == 1)
    }

    @Test func onlyTheCurrentSessionCanBeRejected() async throws {
        let source = source { [self] in session($0) }
        let first = try await source.session()
        source.reject(first)
        let second = try await source.session()
        #expect(second.serial == 2)
        // Another stream, refused with the first token, comes late.
        source.reject(first)
        #expect(try await source.session() == second)
        #expect(source.loginCount == 2)
    }

    @Test func aFailureIsAnsweredFromMemoryForAMoment() async throws {
        let source = source { _ in throw UpstreamError(.loginRefused, "no") }
        for _ in 0..<10 { await #expect(throws: UpstreamError.self) { try await source.session() } }
        #expect(source.loginCount == 1)
        let impatient = self.source(failureHold: .zero) { [self] serial in
            if serial < 3 { throw UpstreamError(.loginFailed, "not yet") }
            return session(serial)
        }
        for _ in 0..<2 { await #expect(throws: UpstreamError.self) { try await impatient.session() } }
        #expect(try await impatient.session().serial == 3)
    }
}
