import Doors
import Testing

@testable import Sandbox

struct APIUsageTests {
    @Test func callsAreCountedAndLimited() async throws {
        let org = try await TestOrg.open { $0.apiCallsMax = 3 }
        for used in 1...3 { #expect(try await org.sandbox.countCall(org.context.session) == "api-usage=\(used)/3") }
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.countCall(org.context.session)
        }
        #expect(
            error
                == OrgError(status: 403, errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded."))
        org.clock.advance(.seconds(25 * 3_600))
        #expect(try await org.sandbox.countCall(org.context.session) == "api-usage=1/3")
    }

    @Test func hoursFallOutOneByOne() {
        var usage = APIUsage()
        let hour: Int64 = 3_600_000
        #expect(usage.count(now: 0) == 1)
        #expect(usage.count(now: 10 * hour) == 2)
        #expect(usage.count(now: 23 * hour + 1) == 3)
        #expect(usage.count(now: 24 * hour) == 3)
        #expect(usage.count(now: 34 * hour) == 3)
    }
}
