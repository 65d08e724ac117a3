import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// `BulkApi2JobEvent`, and results that are read while the job goes on.
struct BulkJobEventTests {
    @Test(arguments: [
        (0, 5, false, []), (0, 10, false, []), (0, 11, false, ["0..<10"]),
        (5, 35, false, ["0..<10", "10..<20", "20..<30"]),
        (11, 20, false, []), (11, 20, true, ["10..<20 final"]), (0, 0, true, ["0..<0 final"]),
        (5, 25, true, ["0..<10", "10..<20", "20..<25 final"]), (20, 20, true, ["10..<20 final"]),
    ])
    func aPageIsToldOnceMoreIsKnownToFollow(_ before: Int, _ rows: Int, _ isDone: Bool, _ told: [String]) {
        var progress = QueryProgress(resultID: "", soql: "", scope: .live, object: "", columns: [])
        progress.rows = rows
        progress.isDone = isDone
        let news = BulkJobNews.results(before: before, after: progress, pageRows: 10).map { news in
            guard case .results(let rows, let isFinal) = news else { return "state" }
            return "\(rows)\(isFinal ? " final" : "")"
        }
        #expect(news == told)
    }

    private func told(_ org: TestOrg) async throws -> [[String: FieldValue]] {
        let schema = try #require(org.sandbox.schema.eventSchemas["BulkApi2JobEvent"])
        return try await org.received("/event/BulkApi2JobEvent").map { event in
            #expect(event.schemaID == schema.id)
            return try schema.values(of: event.payload)
        }
    }

    private func words(_ events: [[String: FieldValue]]) -> [String] {
        events.map { event in
            ["Type", "JobState", "ResultType"].map { name in
                if case .string(let text)? = event[name] { text } else { "-" }
            }.joined(separator: " ")
        }
    }

    @Test func aQuerysProgressIsToldAndItsResultsAreReadMeanwhile() async throws {
        let org = try await TestOrg.open {
            $0.tellsBulkJobs = true
            $0.bulkResultRows = 2_000
        }
        let names = (0..<6_000).map { "A\($0)" }.joined(separator: "\n")
        #expect(try await org.ingest("Account", .insert, "Name\n\(names)\n").recordsFailed == 0)
        #expect(try await told(org).isEmpty, "an upload is not told")
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Name FROM Account", operation: .query), context: org.context)
        func read(_ row: Int, _ count: Int) async throws -> [[String]] {
            let page = try await org.sandbox.queryResults(
                of: job.id, locator: QueryLocator.text(row: row, of: job.id), rowsMax: count, context: org.context)
            return Array(try await org.rows(of: page.document).dropFirst())
        }
        let runner = BulkRunner(org.sandbox)
        #expect(try await runner.step())
        #expect(
            words(try await told(org)) == [
                "JOB_STATE InProgress -", "RESULT InProgress PARTIAL", "RESULT InProgress PARTIAL",
            ])
        let early = try await read(2_000, 2_000)
        #expect(early.count == 2_000)
        // The third set is not whole yet, and the list of sets not known.
        let refused = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.queryResults(
                of: job.id, locator: QueryLocator.text(row: 4_000, of: job.id), rowsMax: 2_000, context: org.context)
        }
        #expect(refused?.errorCode == "InvalidJobState")
        let unlisted = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.resultPages(of: job.id, locator: nil, context: org.context)
        }
        #expect(unlisted?.errorCode == "InvalidJobState")
        while try await runner.step() {}
        let events = try await told(org)
        #expect(words(Array(events.dropFirst(3))) == ["JOB_STATE JobComplete -", "RESULT JobComplete FINAL"])
        #expect(events.allSatisfy { $0["JobIdentifier"] == .string(job.id) })
        let urls = events.compactMap { event in
            if case .string(let url)? = event["ResultUrl"] { url } else { String?.none }
        }
        let path = "/services/data/v\(job.apiVersion)/jobs/query/\(job.id)/results?locator="
        #expect(
            urls.map { $0.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" } }
                == [0, 2_000, 4_000].map { "\(path)\(QueryLocator.text(row: $0, of: job.id))&maxRecords=2000" })
        #expect(urls.allSatisfy { $0.hasPrefix("https://") })
        #expect(try await read(2_000, 2_000) == early, "the set stays what it was")
        #expect(try await read(4_000, 2_000).count == 2_000)
    }

    @Test func anAbortAndAFailureAreTold() async throws {
        let org = try await TestOrg.open { $0.tellsBulkJobs = true }
        func job() async throws -> BulkJobInfo {
            try await org.sandbox.createQueryJob(
                NewQueryJob(soql: "SELECT Name FROM Account", operation: .query), context: org.context)
        }
        _ = try await org.sandbox.setBulkJob(try await job().id, .query, to: .aborted, context: org.context)
        org.sandbox.faults.set(Fault(.bulk))
        _ = try await job()
        try await org.sandbox.finishBulkWork()
        #expect(words(try await told(org)) == ["JOB_STATE Aborted -", "JOB_STATE Failed -"])
    }

    @Test func nobodyElsePublishesIt() async throws {
        let org = try await TestOrg.open { $0.tellsBulkJobs = true }
        let refused = await org.failure { () async throws(OrgError) in _ = try await org.create("BulkApi2JobEvent", [])
        }
        #expect(refused?.errorCode == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    }

    @Test func withoutTheBetaThereIsNoSuchEvent() async throws {
        let org = try await TestOrg.open()
        #expect(org.sandbox.catalogue.event("BulkApi2JobEvent") == nil)
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Name FROM Account", operation: .query), context: org.context)
        let refused = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.queryResults(of: job.id, locator: nil, rowsMax: nil, context: org.context)
        }
        #expect(refused?.errorCode == "InvalidJobState")
    }
}
