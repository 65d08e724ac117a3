import NIOHTTP1
import Testing

@testable import Upstream

/// How a call is made, what is tried again, and what is not.
@Suite(.timeLimit(.minutes(2)))
struct OrgAPICallTests {
    private static let limits = #"{"DailyApiRequests":{"Max":15000,"Remaining":14990},"Odd":{"Max":"x"}}"#

    private func failure(of body: () async throws -> Void) async -> OrgAPIError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? OrgAPIError
        }
    }

    @Test func aCallBearsTokenAndNameAndItsAnswerIsCounted() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(Self.limits, usage: "api-usage=18/15000"))
            let limits = try await api.limits()
            #expect(limits == ["DailyApiRequests": OrgLimit(max: 15_000, remaining: 14_990)])
            let request = try #require(org.requests.first)
            #expect(request.method == "GET" && request.uri == "/services/data/v67.0/limits")
            #expect(request.token == "00D000000000001!token1")
            #expect(request.headers.first(name: "sforce-call-options") == "client=millrace")
            let report = api.budget.report
            #expect(report.orgUsed == 18 && report.orgMax == 15_000 && report.callsInDay == 1)
        }
    }

    @Test func anExpiredSessionLeadsToOneLoginAndOneFurtherCall() async throws {
        try await FakeOrg.with { org, api in
            org.answer { request in
                request.token?.hasSuffix("token1") == true
                    ? .error(401, "INVALID_SESSION_ID", "Session expired or invalid") : .json(Self.limits)
            }
            _ = try await api.limits()
            #expect(org.logins == 2 && org.requests.count == 2)
            #expect(api.budget.report.callsInDay == 2)
            _ = try await api.limits()
            #expect(org.logins == 2)
        }
    }

    @Test func aSessionThatIsRefusedAgainIsAnError() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.error(401, "INVALID_SESSION_ID"))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .sessionRefused && error?.errorCode == "INVALID_SESSION_ID" && error?.status == 401)
            #expect(org.logins == 2 && org.requests.count == 2)
        }
    }

    @Test(arguments: [
        FakeOrg.Answer.error(503, "SERVER_UNAVAILABLE"), .error(500, "UNKNOWN_EXCEPTION"), .json("<html>", status: 502),
        .error(429, "TOO_MANY"), .error(400, "UNABLE_TO_LOCK_ROW"),
        .error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        FakeOrg.Answer(way: .hangUp), FakeOrg.Answer(body: limits, way: .cut(after: 5)),
    ])
    func whatMayPassIsTriedAgain(answer: FakeOrg.Answer) async throws {
        try await FakeOrg.with { org, api in
            org.answer(answer, answer, .json(Self.limits))
            let limits = try await api.limits()
            #expect(limits.count == 1)
            #expect(org.requests.count == 3)
            #expect(api.budget.report.callsInDay == 3)
        }
    }

    @Test func triesAreBounded() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.error(503, "SERVER_UNAVAILABLE", "Server too busy"))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .unavailable && error?.message == "Server too busy")
            #expect(org.requests.count == OrgAPI.Timing().attemptsMax)
        }
    }

    @Test(arguments: [
        (400, "INVALID_FIELD", OrgAPIError.Code.refused), (404, "NOT_FOUND", .notFound),
        (403, "API_DISABLED", .refused),
        (400, "INVALID_QUERY_LOCATOR", .refused),
    ])
    func whatStaysWrongIsNotTriedAgain(status: Int, word: String, code: OrgAPIError.Code) async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"[{"message":"m","errorCode":"\#(word)","fields":["A","B"]}]"#, status: status))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == code && error?.status == status && error?.fields == ["A", "B"])
            #expect(org.requests.count == 1)
        }
    }

    @Test func anExhaustedOrgIsLeftAlone() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .limitExceeded)
            await #expect(throws: BudgetRefusal.self) { _ = try await api.limits() }
            #expect(org.requests.count == 1 && api.budget.report.isRefusedByOrg)
        }
    }

    @Test func whatTheBudgetRefusesIsNotSent() async throws {
        try await FakeOrg.with(policy: BudgetPolicy(dailyMax: 2, shares: [:])) { org, api in
            org.answer(.json(Self.limits))
            _ = try await api.limits()
            _ = try await api.charged(to: .refetch).limits()
            let refusal = await #expect(throws: BudgetRefusal.self) { _ = try await api.limits() }
            #expect(refusal?.bound == .dailyMax)
            #expect(org.requests.count == 2)
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        try await FakeOrg.with { org, api in
            org.answer(FakeOrg.Answer(status: 302, headers: [("Location", "http://127.0.0.1:1/services/data")]))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .redirected && org.requests.count == 1)
        }
    }

    @Test func anOversizedAnswerIsRefused() async throws {
        try await FakeOrg.with(answerBytesMax: 100) { org, api in
            org.answer(.json(#"{"A":"\#(String(repeating: "x", count: 200))"}"#))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .answerTooLarge && org.requests.count == 1)
        }
    }

    @Test func aBodyThatStandsStillEndsAtTheDeadline() async throws {
        var timing = FakeOrg.fast
        timing.callDeadline = .milliseconds(100)
        timing.attemptsMax = 2
        try await FakeOrg.with(timing: timing) { org, api in
            org.answer(FakeOrg.Answer(body: Self.limits, way: .standsStill(after: 5)))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .timedOut && org.requests.count == 2)
        }
    }

    @Test func whatIsNotJSONIsSaidToBe() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json("<html>down for maintenance</html>"))
            let error = await failure { _ = try await api.limits() }
            #expect(error?.code == .answerUnreadable && org.requests.count == 1)
        }
    }

    @Test func noTokenIsInErrorsOrTheLog() async throws {
        let log = LogRecorder()
        try await FakeOrg.with(log: log) { org, api in
            org.answer { .error(503, "SERVER_UNAVAILABLE", "I do not like \($0.token ?? "")") }
            let error = await failure { _ = try await api.limits() }
            #expect(error?.description.contains("(token)") == true)
            #expect(error?.description.contains("token1") == false)
            #expect(log.text.contains("is made again") && !log.text.contains("!token1"))
        }
    }

    @Test func cancellingEndsAPause() async throws {
        var timing = FakeOrg.fast
        timing.retryInitial = .seconds(3_600)
        timing.retryMax = .seconds(3_600)
        let log = LogRecorder()
        try await FakeOrg.with(timing: timing, log: log) { org, api in
            org.answer(.error(503, "SERVER_UNAVAILABLE"))
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await api.limits() }
                while !log.text.contains("is made again") { await Task.yield() }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
        }
    }
}
