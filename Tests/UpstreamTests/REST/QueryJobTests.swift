import CSV
import ChangeEvents
import NIOHTTP1
import Testing

@testable import Upstream

/// Bulk API 2.0 query jobs against an org that breaks off, lies and stands still.
@Suite(.timeLimit(.minutes(2)))
struct QueryJobTests {
    private static let page = "\"Id\",\"Name\"\n" + (0..<100).map { "\"500\($0)\",\"row, \"\"\($0)\"\"\"\n" }.joined()

    private func read(_ api: OrgAPI, _ page: ResultPage) async throws -> (rows: [String], ResultOutcome) {
        var rows: [String] = []
        var headers = 0
        let outcome = try await api.results(
            page,
            onHeader: {
                headers += 1
                #expect($0 == ["Id", "Name"])
            }, onRow: { rows.append($0[1]) })
        #expect(headers == 1 && outcome.rows == rows.count)
        return (rows, outcome)
    }

    private static let names = (0..<100).map { "row, \"\($0)\"" }

    @Test func aJobIsCreatedWatchedAndDeleted() async throws {
        try await FakeOrg.with { org, api in
            org.answer(
                .json(#"{"id":"7501","operation":"queryAll","object":"Case","state":"UploadComplete"}"#),
                .json(#"{"id":"7501","state":"InProgress","numberRecordsProcessed":5}"#),
                .error(503, "SERVER_UNAVAILABLE"),
                .json(#"{"id":"7501","state":"JobComplete","numberRecordsProcessed":9,"isPkChunkingSupported":true}"#),
                FakeOrg.Answer(status: 204))
            let job = try await api.createQueryJob("SELECT Id FROM Case", includingDeleted: true)
            #expect(job.state == .uploadComplete && job.object == "Case")
            #expect(org.requests[0].body.contains(#""operation":"queryAll""#))
            var seen: [Int] = []
            let done = try await api.complete(job) { seen.append($0.recordsProcessed) }
            #expect(done.state == .jobComplete && seen == [5, 9] && done.isPKChunkingSupported == true)
            try await api.delete(done)
            #expect(org.requests.map(\.method) == ["POST", "GET", "GET", "GET", "DELETE"])
            #expect(api.budget.report.queryJobsInDay == 1 && api.budget.report.callsInDay == 5)
        }
    }

    @Test(arguments: ["Failed", "Aborted"])
    func aJobThatEndsOtherwiseIsAnError(state: String) async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"id":"7501","state":"\#(state)","errorMessage":"InvalidBatch : No such column 'X'"}"#))
            let job = try await api.queryJob("7501")
            let error = await #expect(throws: OrgAPIError.self) { _ = try await api.complete(job) }
            #expect(error?.code == .jobFailed)
            #expect(error?.message.contains("No such column 'X'") == (state == "Failed"))
        }
    }

    @Test func aJobThatDoesNotEndIsGivenUp() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"id":"7501","state":"InProgress"}"#))
            let job = try await api.queryJob("7501")
            let error = await #expect(throws: OrgAPIError.self) {
                _ = try await api.complete(job, within: .milliseconds(20))
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test func locatorsLeadToTheEnd() async throws {
        try await FakeOrg.with { org, api in
            org.answer { request in
                request.uri.contains("locator=b%2Fc")
                    ? .csv("\"Id\",\"Name\"\n\"1\",\"last\"\n", rows: 1)
                    : .csv("\"Id\",\"Name\"\n\"1\",\"first\"\n", rows: 1, locator: "b/c")
            }
            let first = ResultPage(jobID: "7501", maxRecords: 50)
            let (rows, outcome) = try await read(api, first)
            let next = try #require(outcome.next)
            #expect(rows == ["first"] && next == ResultPage(jobID: "7501", locator: "b/c", maxRecords: 50))
            let (others, end) = try await read(api, next)
            #expect(others == ["last"] && end.next == nil)
            #expect(org.requests[1].uri == "/services/data/v67.0/jobs/query/7501/results?locator=b%2Fc&maxRecords=50")
            #expect(org.requests[0].headers.first(name: "accept") == "text/csv")
        }
    }

    @Test(arguments: [
        FakeOrg.Answer.csv(page, rows: 100, way: .cut(after: 700)), .csv(page, rows: 100, way: .unframed(bytes: 700)),
        .csv(page, rows: 100, way: .unframed(bytes: 705)), .csv(page, rows: 100, way: .cut(after: 3)),
        .csv(page, rows: 100, way: .unframed(bytes: 0)), .error(503, "SERVER_UNAVAILABLE"),
        FakeOrg.Answer(way: .hangUp),
    ])
    func aPageThatBreaksOffGoesOnBehindItsLastRow(broken: FakeOrg.Answer) async throws {
        try await FakeOrg.with { org, api in
            org.answer(broken, broken, .csv(Self.page, rows: 100))
            let (rows, outcome) = try await read(api, ResultPage(jobID: "7501"))
            #expect(rows == Self.names && outcome.next == nil)
            #expect(org.requests.count == 3)
        }
    }

    @Test func aPageThatStandsStillIsReadAgain() async throws {
        var timing = FakeOrg.fast
        timing.silenceMax = .milliseconds(100)
        try await FakeOrg.with(timing: timing) { org, api in
            org.answer(.csv(Self.page, rows: 100, way: .standsStill(after: 700)), .csv(Self.page, rows: 100))
            let rows = try await read(api, ResultPage(jobID: "7501")).rows
            #expect(rows == Self.names)
        }
    }

    @Test func aPageThatAlwaysBreaksOffFails() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.csv(Self.page, rows: 100, way: .cut(after: 700)))
            var rows = 0
            let error = await #expect(throws: OrgAPIError.self) {
                _ = try await api.results(ResultPage(jobID: "7501"), onHeader: { _ in }, onRow: { _ in rows += 1 })
            }
            #expect(error?.code == .unavailable && rows > 0 && rows < 100)
            #expect(org.requests.count >= OrgAPI.Timing().attemptsMax)
        }
    }

    @Test func aPageThatChangesBetweenReadingsIsRefused() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.csv(Self.page, rows: 100, way: .cut(after: 700)), .csv("\"Id\"\n\"1\"\n", rows: 1))
            let error = await #expect(throws: OrgAPIError.self) { _ = try await read(api, ResultPage(jobID: "7501")) }
            #expect(error?.code == .answerUnreadable)
        }
    }

    @Test func whatIsNoCSVIsRefusedAtOnce() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.csv("\"Id\",\"Name\"\n\"1\",\"a\"b\n\"2\",\"c\"\n", rows: 2))
            let error = await #expect(throws: OrgAPIError.self) { _ = try await read(api, ResultPage(jobID: "7501")) }
            #expect(error?.code == .answerUnreadable && org.requests.count == 1)
        }
    }

    @Test func whatTheReceiverThrowsIsNotTakenForTheOrgs() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.csv(Self.page, rows: 100))
            let error = await #expect(throws: OrgAPIError.self) {
                _ = try await api.results(
                    ResultPage(jobID: "7501"), onHeader: { _ in },
                    onRow: { _ in throw OrgAPIError(.unavailable, "the receiver's own") })
            }
            #expect(error?.message == "the receiver's own" && org.requests.count == 1)
        }
    }

    @Test func anEmptyResultIsAHeader() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.csv("\"Id\",\"Name\"\n", rows: 0))
            let (rows, outcome) = try await read(api, ResultPage(jobID: "7501"))
            #expect(rows.isEmpty && outcome.next == nil)
        }
    }

    @Test func aSlowReceiverSlowsTheOrg() async throws {
        try await FakeOrg.with { org, api in
            let big =
                "\"Id\",\"Name\"\n"
                + String(repeating: "\"1\",\"\(String(repeating: "x", count: 1_000))\"\n", count: 20_000)
            org.answer(.csv(big, rows: 20_000))
            var pending = 0
            var pendingMax = 0
            let outcome = try await api.results(
                ResultPage(jobID: "7501"), onHeader: { _ in },
                onRow: { _ in
                    pending += 1
                    pendingMax = max(pendingMax, pending)
                },
                afterChunk: {
                    await Task.yield()
                    pending = 0
                })
            #expect(outcome.rows == 20_000)
            // The rows of one read of the socket, of 20 MB.
            #expect(pendingMax < 2_000)
        }
    }

    @Test func resultPagesAreCollected() async throws {
        try await FakeOrg.with { org, api in
            let path = "/services/data/v67.0/jobs/query/7501"
            org.answer { _ in .json(#"{"id":"7501","state":"JobComplete"}"#) }
            let job = try await api.queryJob("7501")
            org.answer { request in
                request.uri.contains("resultPages?")
                    ? .json(#"{"resultPages":[{"resultUrl":"\#(path)/results?locator=c"}],"done":true}"#)
                    : .json(
                        #"{"resultPages":[{"resultUrl":"\#(path)/results?locator=a"},{"resultUrl":"\#(path)/results?locator="#
                            + #"b&maxRecords=9"}],"nextRecordsUrl":"\#(path)/resultPages?locator=c","done":false}"#)
            }
            let pages = try await api.resultPages(of: job)
            #expect(
                pages == [
                    ResultPage(jobID: "7501", locator: "a"), ResultPage(jobID: "7501", locator: "b", maxRecords: 9),
                    ResultPage(jobID: "7501", locator: "c"),
                ])
            org.answer { _ in .error(404, "NOT_FOUND") }
            #expect(try await api.resultPages(of: job) == nil)
            org.answer { _ in
                .json(
                    #"{"resultPages":[{"resultUrl":"\#(path)/results?locator=a"}],"nextRecordUrl":"\#(path)/x","done":false}"#
                )
            }
            await #expect(throws: OrgAPIError.self) { _ = try await api.resultPages(of: job) }
        }
    }
}
