import Doors
import Foundation
import Store
import Testing
import Twin

@testable import Sandbox

struct APIUsageTests {
    @Test func callsAreCountedAndLimited() async throws {
        let org = try await TestOrg.open { $0.apiCallsMax = 3 }
        for used in 1...3 { #expect(try await org.countCall() == "api-usage=\(used)/3") }
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.countCall()
        }
        #expect(
            error
                == OrgError(status: 403, errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded."))
        org.clock.advance(.seconds(25 * 3_600))
        #expect(try await org.countCall() == "api-usage=1/3")
    }

    @Test func aRefusedCallIsNotUsed() async throws {
        let org = try await TestOrg.open { $0.apiCallsMax = 1 }
        _ = try await org.countCall()
        for _ in 0..<3 {
            _ = await org.failure { () async throws(OrgError) in
                _ = try await org.countCall()
            }
        }
        let limits = try await org.sandbox.limits(context: org.context)
        #expect(JSONText(limits).contains(#""DailyApiRequests":{"Max":1,"Remaining":0"#))
    }

    @Test func anAppHasItsOwnLimit() async throws {
        let org = try await TestOrg.open { $0.apiCallsPerAppMax = ["Millrace Sandbox": 2] }
        let first = try await org.countCall()
        #expect(first == "api-usage=1/100000; per-app-api-usage=1/2(appName=Millrace Sandbox)")
        var other = org.context.session
        other.clientID = "another app"
        #expect(try await org.countCall(of: other) == "api-usage=2/100000")
        _ = try await org.countCall()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.countCall()
        }
        #expect(error?.errorCode == "REQUEST_LIMIT_EXCEEDED")
        #expect(try await org.countCall(of: other) == "api-usage=4/100000")
        let limits = JSONText(try await org.sandbox.limits(context: org.context))
        #expect(limits.contains(#""Millrace Sandbox":{"Max":2,"Remaining":0}"#))
        #expect(limits.contains(#""another app":{"Max":0,"Remaining":0}"#))
    }

    /// It was written at the end only, so that a killed process forgot its calls.
    @Test func whatIsWrittenSurvivesWithoutAnEnd() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<5 {
            _ = try await org.countCall()
            org.sandbox.record(.example(org))
        }
        await org.sandbox.writeCalls()
        let written = try await org.sandbox.twin.store.read { try $0.state(APIUsage.stateKey) }
        var usage = try JSONDecoder().decode(APIUsage.self, from: Data(try #require(written)))
        #expect(usage.used(now: org.clock.now).org == 5)
    }

    @Test func hoursFallOutOneByOne() {
        var usage = APIUsage()
        let hour: Int64 = 3_600_000
        #expect(usage.count(now: 0, app: "a") == (1, 1))
        #expect(usage.count(now: 10 * hour, app: "b") == (2, 1))
        #expect(usage.count(now: 23 * hour + 1, app: "a") == (3, 2))
        #expect(usage.count(now: 24 * hour, app: "a") == (3, 2))
        #expect(usage.count(now: 34 * hour, app: "b") == (3, 1))
        #expect(usage.used(now: 34 * hour).byApp == ["a": 2, "b": 1])
    }
}

extension APICall {
    static func example(_ org: TestOrg, resource: String = "/v66.0/sobjects/Account") -> APICall {
        APICall(
            family: .rest, resource: resource, method: "GET", version: "66.0", status: 200, entity: "Account",
            session: org.context.session, clientName: "a \"client\"", clientAddress: "10.1.2.3")
    }
}

/// JSON in one line, for looking into.
struct JSONText: CustomStringConvertible {
    let description: String

    init(_ value: JSONValue) {
        switch value {
        case .null: description = "null"
        case .boolean(let flag): description = String(flag)
        case .number(let text): description = text
        case .string(let text): description = "\"\(text)\""
        case .array(let values): description = "[" + values.map { "\(JSONText($0))" }.joined(separator: ",") + "]"
        case .object(let members):
            description = "{" + members.map { "\"\($0.name)\":\(JSONText($0.value))" }.joined(separator: ",") + "}"
        }
    }

    func contains(_ text: String) -> Bool { description.contains(text) }
}

extension TestOrg {
    fileprivate func countCall(of session: OrgSession? = nil) async throws(OrgError) -> String {
        try await sandbox.countCall(session ?? context.session, requestID: RequestID.random())
    }
}
