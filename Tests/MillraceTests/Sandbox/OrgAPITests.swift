import CSV
import ChangeEvents
import Foundation
import Sandbox
import Testing
import Upstream

@testable import millrace

/// The client of an org's APIs against the sandbox's doors.
@Suite(.timeLimit(.minutes(5)))
struct OrgAPITests {
    private static let fields = [
        "Id", "CaseNumber", "Subject", "IsClosed", "IsDeleted", "CreatedDate", "SystemModstamp", "OwnerId", "AccountId",
    ]

    private func withOrg(_ body: @escaping @Sendable (OrgAPI) async throws -> Void) async throws {
        try await RunningOrg.with {
            $0.bulkResultRows = 7
        } _: { connection in
            try await OrgAPI.with(
                OrgConnection(connection), budget: APIBudget(), logger: RunningOrg.logger, body)
        }
    }

    @Test func bulkAndRESTTellTheSame() async throws {
        try await withOrg { api in
            let object = try await api.describe("Case")
            #expect(object.isQueryable && object.keyPrefix == "500" && object.field("IsClosed")?.type == .boolean)
            #expect(try await api.describe("Case", since: object) == nil)
            let soql = "SELECT \(Self.fields.joined(separator: ",")) FROM Case"

            var expected: [RecordID: OrgRow] = [:]
            let fromREST = RowDecoder(object, columns: Self.fields)
            for try await page in api.query(soql) {
                for record in page.records {
                    let row = try fromREST.decode(record)
                    expected[try #require(row.id)] = row
                }
            }
            #expect(expected.count > 35)
            #expect(try await api.count("SELECT COUNT() FROM Case") == expected.count)

            let bulk = api.charged(to: .snapshot)
            let job = try await bulk.complete(try await bulk.createQueryJob(soql))
            #expect(job.recordsProcessed == expected.count && job.object == "Case")
            // One after the other by locators, and by the pages that may be read side by side.
            var page: ResultPage? = job.firstPage(maxRecords: 5)
            var sequential: [RecordID: OrgRow] = [:]
            while let current = page { page = try await Self.read(current, of: object, bulk, into: &sequential) }
            #expect(sequential == expected)
            let pages = try #require(try await bulk.resultPages(of: job))
            #expect(pages.count == (expected.count + 6) / 7)
            var parallel: [RecordID: OrgRow] = [:]
            for page in pages { _ = try await Self.read(page, of: object, bulk, into: &parallel) }
            #expect(parallel == expected)
            try await bulk.delete(job)

            let ids = Array(expected.keys.prefix(200))
            let rows = try await api.charged(to: .refetch).recordsByID(object, fields: Self.fields, ids: ids)
            #expect(Set(rows.compactMap(\.id)) == Set(ids))
            for row in rows {
                let id = try #require(row.id)
                #expect(row == expected[id])
            }
            let now = Int64(Date().timeIntervalSince1970) * 1_000
            #expect(try await api.deleted("Case", from: now - 3_600_000, to: now).records.isEmpty)
            #expect(try await api.updated("Case", from: now - 3_600_000, to: now).coveredUntil <= now + 60_000)
            #expect(try await api.limits()["DailyApiRequests"] != nil)
            #expect(try await api.describeGlobal().contains { $0.name == "Case" })
            let report = api.budget.report
            #expect(report.orgMax != nil && report.queryJobsInDay == 1)
            // Every call of ours is in the org's own figure.
            #expect(report.orgUsed == report.callsInDay)
        }
    }

    @Test func aLongQueryIsAnsweredToo() async throws {
        try await withOrg { api in
            let object = try await api.describe("Case")
            let condition = "Subject != '\(String(repeating: "x", count: 3_900))'"
            let filter = Array(repeating: condition, count: 5).joined(separator: " AND ")
            #expect(try await api.count("SELECT COUNT() FROM Case WHERE \(filter)") > 35)
            let error = await #expect(throws: OrgAPIError.self) { try await api.describe("Nothing__c") }
            #expect(error?.code == .notFound)
            let wrong = await #expect(throws: OrgAPIError.self) { _ = try await api.count("SELECT COUNT() FROM") }
            #expect(wrong?.code == .refused && wrong?.errorCode == "MALFORMED_QUERY")
            #expect(object.field("Id")?.type == .id)
        }
    }

    private static func read(
        _ page: ResultPage, of object: ObjectDescription, _ api: OrgAPI, into rows: inout [RecordID: OrgRow]
    ) async throws -> ResultPage? {
        var decoder: RowDecoder?
        var read: [OrgRow] = []
        let outcome = try await api.results(
            page, onHeader: { decoder = RowDecoder(object, columns: $0) },
            onRow: { row in
                if let decoder { read.append(try decoder.decode(row)) }
            })
        #expect(outcome.rows == read.count)
        for row in read {
            let id = try #require(row.id)
            #expect(rows.updateValue(row, forKey: id) == nil, "\(id) came twice")
        }
        return outcome.next
    }
}
