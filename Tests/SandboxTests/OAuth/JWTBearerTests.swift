import Doors
import Foundation
import JWTKit
import TestSupport
import Testing

@testable import Sandbox

struct JWTBearerTests {
    private struct Claims: JWTPayload {
        var iss: String?
        var sub: String?
        var aud: String?
        var exp: Int?
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    private func claims(_ org: TestOrg) -> Claims {
        Claims(
            iss: org.sandbox.connection.clientID, sub: org.sandbox.connection.username,
            aud: "https://login.salesforce.com",
            exp: Int(org.clock.now / 1_000) + 180)
    }

    private func signed(_ claims: Claims, keyFile: String) async throws -> String {
        let keys = JWTKeyCollection()
        let pem = try String(contentsOfFile: keyFile, encoding: .utf8)
        await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: pem), digestAlgorithm: .sha256)
        return try await keys.sign(claims)
    }

    private func error(_ org: TestOrg, _ parameters: [String: String]) async -> OAuthError? {
        do {
            _ = try await org.sandbox.token(parameters: parameters, host: "login.salesforce.com")
            return nil
        } catch {
            return error
        }
    }

    @Test func assertionBecomesASession() async throws {
        let org = try await TestOrg.open()
        let assertion = try await signed(claims(org), keyFile: org.sandbox.connection.privateKeyFile)
        let answer = try await org.sandbox.token(
            parameters: ["grant_type": grant, "assertion": assertion], host: "login.salesforce.com")
        let organization = org.sandbox.connection.organizationID
        #expect(answer.accessToken.hasPrefix(organization.prefix(15) + "!AQ"))
        #expect(answer.instanceURL == TestOrg.instanceURL)
        #expect(answer.identityURL.hasSuffix("/id/\(organization)/\(org.context.session.userID)"))
        #expect(answer.issuedAt == org.clock.now)
        let session = try await org.sandbox.session(accessToken: answer.accessToken)
        #expect(session.username == org.sandbox.connection.username)
        let info = try await org.sandbox.userInfo(accessToken: answer.accessToken).dictionary
        #expect(info["organization_id"] == .string(organization))
        #expect(info["preferred_username"] == .string(session.username))
        // What clients reckon days with is what date literals go by.
        #expect(info["utcOffset"] == .number("0"))
        let users = try await org.sandbox.query(
            "SELECT TimeZoneSidKey FROM User", scope: .live, batchSize: nil, context: org.context)
        #expect(users.records.allSatisfy { $0.dictionary["TimeZoneSidKey"] == info["zoneinfo"] } && users.totalSize > 1)
        await #expect(throws: OAuthError.self) { _ = try await org.sandbox.userInfo(accessToken: "x") }
    }

    @Test func wrongClaimsHaveTheirErrors() async throws {
        let org = try await TestOrg.open()
        let now = Int(org.clock.now / 1_000)
        let username = org.sandbox.connection.username
        let notApproved = org.sandbox.usernames[3]
        let cases: [(String, (inout Claims) -> Void, String, String)] = [
            ("client", { $0.iss = "3MVG9other" }, "invalid_client_id", "client identifier invalid"),
            ("no client", { $0.iss = nil }, "invalid_client_id", "client identifier invalid"),
            ("audience", { $0.aud = "https://elsewhere.example" }, "invalid_grant", "audience is invalid"),
            ("no audience", { $0.aud = nil }, "invalid_grant", "audience is invalid"),
            ("expired", { $0.exp = now }, "invalid_grant", "expired authorization code"),
            ("too long", { $0.exp = now + 600 }, "invalid_grant", "invalid assertion"),
            ("no expiry", { $0.exp = nil }, "invalid_grant", "invalid assertion"),
            ("unknown user", { $0.sub = "nobody@" + username }, "invalid_grant", "user hasn't approved this consumer"),
            ("unapproved user", { $0.sub = notApproved }, "invalid_grant", "user hasn't approved this consumer"),
            ("no user", { $0.sub = nil }, "invalid_grant", "invalid assertion"),
        ]
        for (name, change, code, description) in cases {
            var wrong = claims(org)
            change(&wrong)
            let assertion = try await signed(wrong, keyFile: org.sandbox.connection.privateKeyFile)
            let found = await error(org, ["grant_type": grant, "assertion": assertion])
            #expect(found == OAuthError(error: code, description: description), "\(name)")
        }
    }

    @Test(arguments: [(299, true), (360, true), (361, false)])
    func lifetimeIsCheckedAtItsBound(seconds: Int, isAccepted: Bool) async throws {
        let org = try await TestOrg.open(clock: HandClock(1_771_300_995_000))
        var claims = claims(org)
        claims.exp = Int(org.clock.now / 1_000) + seconds
        let assertion = try await signed(claims, keyFile: org.sandbox.connection.privateKeyFile)
        #expect((await error(org, ["grant_type": grant, "assertion": assertion]) == nil) == isAccepted)
    }

    @Test func myDomainAndTestHostAreAudiencesToo() async throws {
        let org = try await TestOrg.open()
        for audience in ["https://test.salesforce.com", org.sandbox.connection.loginURL, TestOrg.instanceURL] {
            var claims = claims(org)
            claims.aud = audience
            let assertion = try await signed(claims, keyFile: org.sandbox.connection.privateKeyFile)
            #expect(await error(org, ["grant_type": grant, "assertion": assertion]) == nil)
        }
    }

    @Test func foreignKeyAndBrokenAssertionsAreInvalid() async throws {
        let org = try await TestOrg.open()
        let other = try await TestOrg.open(in: TemporaryDirectory())
        let foreign = try await signed(claims(org), keyFile: other.sandbox.connection.privateKeyFile)
        let good = try await signed(claims(org), keyFile: org.sandbox.connection.privateKeyFile)
        let parts = good.split(separator: ".").map(String.init)
        let unsigned = Data(#"{"alg":"none"}"#.utf8).base64EncodedString().replacingOccurrences(of: "=", with: "")
        let broken = [
            foreign, "x", "a.b.c", parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".", good + ".x",
            unsigned + "." + parts[1] + ".", parts[1] + "." + parts[0] + "." + parts[2], good + "=",
        ]
        for assertion in broken {
            let found = await error(org, ["grant_type": grant, "assertion": assertion])
            #expect(
                found == OAuthError(error: "invalid_grant", description: "invalid assertion"), "\(assertion.prefix(20))"
            )
        }
    }

    @Test func parametersAndGrantsAreChecked() async throws {
        let org = try await TestOrg.open()
        #expect(
            await error(org, [:])
                == OAuthError(error: "invalid_request", description: "missing required grant_type parameter"))
        #expect(
            await error(org, ["grant_type": grant])
                == OAuthError(error: "invalid_request", description: "missing required assertion parameter"))
        #expect(await error(org, ["grant_type": "magic"])?.error == "unsupported_grant_type")
        let password = await error(
            org,
            [
                "grant_type": "password", "username": org.sandbox.connection.username,
                "password": org.sandbox.connection.password,
            ])
        #expect(password == OAuthError(error: "invalid_grant", description: "authentication failure"))
    }
}
