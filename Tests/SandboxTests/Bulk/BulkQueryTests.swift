import CSV
import ChangeEvents
import Doors
import NIOCore
import Testing

@testable import Sandbox

struct BulkQueryTests {
    /// A finished job.
    private func query(
        _ org: TestOrg, _ soql: String, _ operation: BulkOperation = .query
    ) async throws -> BulkJobInfo {
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: soql, operation: operation), context: org.context)
        try await org.sandbox.finishBulkWork()
        return try await org.sandbox.bulkJob(job.id, .query, context: org.context)
    }

    private func page(
        _ org: TestOrg, _ id: String, _ locator: String? = nil, rowsMax: Int? = nil
    ) async throws -> (rows: [[String]], next: String?) {
        let page = try await org.sandbox.queryResults(of: id, locator: locator, rowsMax: rowsMax, context: org.context)
        let rows = try await org.rows(of: page.document)
        #expect(rows.count == page.rows + 1)
        return (rows, page.nextLocator)
    }

    private func fill(_ org: TestOrg, _ count: Int) async throws {
        let names = (0..<count).map { "A\($0)" }.joined(separator: "\n")
        #expect(try await org.ingest("Account", .insert, "Name\n\(names)\n").recordsFailed == 0)
    }

    @Test func rowsStandInTheColumnsOfTheQuery() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "Account", [("Name", .string("Ada \"A\", Ж")), ("NumberOfEmployees", .number("3"))])
        let job = try await query(
            org, "SELECT Name, Id, NumberOfEmployees, Phone, IsDeleted, CreatedDate, Owner.Username FROM Account")
        #expect(job.state == .jobComplete && job.recordsProcessed == 1 && job.object == "Account")
        let (rows, next) = try await page(org, job.id)
        #expect(next == nil)
        #expect(rows[0] == ["Name", "Id", "NumberOfEmployees", "Phone", "IsDeleted", "CreatedDate", "Owner.Username"])
        #expect(
            rows[1] == [
                "Ada \"A\", Ж", id.string, "3", "", "false", "2026-02-17T04:03:15.000Z", org.sandbox.usernames[0],
            ])
    }

    @Test func trap27PagesGoOnByLocatorsThatStayTheSame() async throws {
        let org = try await TestOrg.open()
        try await fill(org, 2_500)
        let job = try await query(org, "SELECT Name FROM Account")
        var names: [String] = []
        var locator: String?
        var locators: [String] = []
        repeat {
            let (rows, next) = try await page(org, job.id, locator, rowsMax: 777)
            names += rows.dropFirst().map { $0[0] }
            locator = next
            if let next { locators.append(next) }
        } while locator != nil
        #expect(Set(names) == Set((0..<2_500).map { "A\($0)" }) && names.count == 2_500)
        #expect(locators.count == 3)
        let reopened = try await org.reopened()
        let again = try await page(reopened, job.id, locators[1], rowsMax: 10)
        #expect(again.rows.dropFirst().map { $0[0] } == Array(names[1_554..<1_564]))
    }

    @Test func resultPagesCanBeReadInAnyOrder() async throws {
        let org = try await TestOrg.open()
        try await fill(org, 5)
        let job = try await query(org, "SELECT Name FROM Account")
        let (locators, next) = try await org.sandbox.resultPages(of: job.id, locator: nil, context: org.context)
        #expect(locators.count == 1 && next == nil)
        #expect(try await page(org, job.id, locators[0]).rows.count == 6)
    }

    /// Five at once, and where the next five begin.
    @Test func resultPagesComeFiveAtATime() async throws {
        let org = try await TestOrg.open { $0.bulkResultRows = 3 }
        try await fill(org, 20)
        let job = try await query(org, "SELECT Name FROM Account")
        let first = try await org.sandbox.resultPages(of: job.id, locator: nil, context: org.context)
        #expect(first.locators.count == 5 && first.next != nil)
        let rest = try await org.sandbox.resultPages(of: job.id, locator: first.next, context: org.context)
        #expect(rest.locators.count == 2 && rest.next == nil)
        var rows: [[[String]]] = []
        for locator in first.locators + rest.locators {
            rows.append(Array(try await page(org, job.id, locator).rows.dropFirst()))
        }
        // The last one first, and each as often as one likes.
        #expect(Array(try await page(org, job.id, rest.locators[1]).rows.dropFirst()) == rows[6])
        #expect(rows.map(\.count) == [3, 3, 3, 3, 3, 3, 2])
        #expect(Set(rows.flatMap { $0 }).count == 20)
    }

    @Test(arguments: [("49.0", ["BillingCity", "Id", "Name"]), ("50.0", ["Name", "Id", "BillingCity"])])
    func columnsStoodByNameBeforeVersion50(version: String, columns: [String]) async throws {
        var org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("A")), ("BillingCity", .string("Kiel"))])
        org = TestOrg(
            directory: org.directory, clock: org.clock, sandbox: org.sandbox,
            context: CallContext(session: org.context.session, apiVersion: version, clientName: nil))
        let job = try await query(org, "SELECT Name, Id, BillingCity FROM Account")
        let values = ["Name": "A", "Id": id.string, "BillingCity": "Kiel"]
        #expect(try await page(org, job.id).rows == [columns, columns.map { values[$0] ?? "" }])
    }

    @Test func noRowsIsAHeaderAlone() async throws {
        let org = try await TestOrg.open()
        let job = try await query(org, "SELECT Id, Name FROM Account")
        #expect(try await page(org, job.id).rows == [["Id", "Name"]])
    }

    @Test func trap19QueryAllShowsWhatWasDeleted() async throws {
        let org = try await TestOrg.open()
        let gone = try await org.create("Account", [("Name", .string("Gone"))])
        _ = try await org.create("Account", [("Name", .string("Here"))])
        try await org.delete("Account", gone)
        let live = try await query(org, "SELECT Name FROM Account")
        #expect(try await page(org, live.id).rows == [["Name"], ["Here"]])
        let all = try await query(org, "SELECT Name, IsDeleted FROM Account ORDER BY Name", .queryAll)
        #expect(try await page(org, all.id).rows == [["Name", "IsDeleted"], ["Gone", "true"], ["Here", "false"]])
    }

    @Test(arguments: [
        "SELECT COUNT(Id) FROM Account", "SELECT Name FROM Account GROUP BY Name", "SELECT Name FROM Account OFFSET 2",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account", "SELECT BillingAddress FROM Account",
        "SELECT Nonsense FROM Account", "SELECT Id FROM Spaceship", "SELECT", "",
    ])
    func trap27WhatBulkDoesNotTakeIsRefused(soql: String) async throws {
        let org = try await TestOrg.open()
        let refusal = await org.error {
            _ = try await org.sandbox.createQueryJob(NewQueryJob(soql: soql, operation: .query), context: org.context)
        }
        #expect(refusal?.status == 400)
        #expect(try await org.sandbox.bulkJobs(BulkJobFilter(types: [.query]), context: org.context).jobs.isEmpty)
    }

    @Test func resultsAreRefusedBeforeTheEndForAnotherVersionAndForForeignLocators() async throws {
        let org = try await TestOrg.open()
        try await fill(org, 3)
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Id FROM Account", operation: .query), context: org.context)
        #expect(await org.error { _ = try await page(org, job.id) }?.errorCode == "InvalidJobState")
        let delete: () async throws -> Void = {
            try await org.sandbox.deleteBulkJob(job.id, .query, context: org.context)
        }
        #expect(await org.error(delete)?.errorCode == "API_ERROR")
        try await org.sandbox.finishBulkWork()
        var context = org.context
        context.apiVersion = "65.0"
        let other = context
        let conflict = await org.error {
            _ = try await org.sandbox.queryResults(of: job.id, locator: nil, rowsMax: nil, context: other)
        }
        #expect(conflict?.status == 409)
        let foreign = QueryLocator.text(row: 1, of: "750000000000000AAA")
        for locator in [
            "nonsense", "null", foreign, QueryLocator.text(row: 4, of: job.id), String(repeating: "A", count: 500),
        ] {
            #expect(await org.error { _ = try await page(org, job.id, locator) }?.errorCode == "InvalidQueryLocator")
        }
        try await delete()
        #expect(await org.error { _ = try await page(org, job.id) }?.status == 404)
    }

    @Test func anAbortedQueryHasNoResults() async throws {
        let org = try await TestOrg.open()
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Id FROM Account", operation: .query), context: org.context)
        _ = try await org.sandbox.setBulkJob(job.id, .query, to: .aborted, context: org.context)
        try await org.sandbox.finishBulkWork()
        #expect(await org.error { _ = try await page(org, job.id) }?.errorCode == "InvalidJobState")
        #expect(try await org.sandbox.bulkJob(job.id, .query, context: org.context).state == .aborted)
    }

    @Test func aQueryGoesOnAfterARestart() async throws {
        var org = try await TestOrg.open()
        try await fill(org, BulkRunner.queryRows + 1_500)
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Name FROM Account", operation: .query), context: org.context)
        _ = try await BulkRunner(org.sandbox).step()
        org = try await org.reopened()
        #expect(try await org.sandbox.bulkJob(job.id, .query, context: org.context).state == .inProgress)
        try await org.sandbox.finishBulkWork()
        let (rows, _) = try await page(org, job.id)
        #expect(Set(rows.dropFirst().map { $0[0] }).count == BulkRunner.queryRows + 1_500)
    }

    @Test func queryJobsAreCounted() async throws {
        let org = try await TestOrg.open()
        _ = try await query(org, "SELECT Id FROM Account")
        let limits = try await org.sandbox.bulkLimits()
        #expect(limits.first { $0.name == "DailyBulkV2QueryJobs" }?.remaining == BulkUsage.queryJobsMax - 1)
    }
}
