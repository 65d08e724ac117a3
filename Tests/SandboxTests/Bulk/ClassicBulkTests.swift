import CSV
import ChangeEvents
import Doors
import NIOCore
import SOQL
import Synchronization
import Testing

@testable import Sandbox

struct ClassicBulkTests {
    private func job(
        _ org: TestOrg, _ operation: BulkOperation, _ type: BulkContentType = .csv, pkChunking: PKChunking? = nil
    ) async throws -> String {
        var new = NewClassicJob(object: "Account", operation: operation, contentType: type)
        new.pkChunking = pkChunking
        return try await org.sandbox.createClassicJob(new, context: org.context).id
    }

    private func add(_ org: TestOrg, _ job: String, _ text: String, isQuery: Bool = false) async throws -> BulkBatchInfo
    {
        let batch = NewBatch(request: ByteBuffer(string: text), rows: isQuery ? [] : Array(text.utf8))
        return try await org.sandbox.addBatch(batch, to: job, context: org.context)
    }

    private func outcomes(_ org: TestOrg, _ batch: String, _ job: String) async throws -> [BulkOutcome] {
        let outcomes = try await org.sandbox.batchOutcomes(batch, of: job, context: org.context)
        return try await Self.all(outcomes)
    }

    private static func all(_ outcomes: BulkOutcomes) async throws -> [BulkOutcome] {
        final class Box: Sendable {
            let values = Mutex<[BulkOutcome]>([])
        }
        let box = Box()
        try await outcomes.forEach { chunk in box.values.withLock { $0 += chunk } }
        return box.values.withLock { $0 }
    }

    @Test func batchesAreWorkedOnWhileTheJobIsOpen() async throws {
        let org = try await TestOrg.open()
        let id = try await job(org, .insert)
        let first = try await add(org, id, "Name\nAda\n\"\"\n")
        try await org.sandbox.finishBulkWork()
        let done = try await org.sandbox.batch(first.id, of: id, context: org.context)
        #expect(done.state == .completed && done.recordsProcessed == 2 && done.recordsFailed == 1)
        let outcomes = try await outcomes(org, first.id, id)
        #expect(outcomes.count == 2)
        if case .failed(_, let error) = outcomes[1] {
            #expect(error.errorCode == "REQUIRED_FIELD_MISSING")
        } else {
            Issue.record()
        }
        _ = try await add(org, id, "Name\r\nBo\r\n")
        let closed = try await org.sandbox.setBulkJob(id, .classic, to: .closed, context: org.context)
        #expect(closed.state == .closed && closed.batches.queued == 1)
        try await org.sandbox.finishBulkWork()
        let info = try await org.sandbox.bulkJob(id, .classic, context: org.context)
        #expect(info.batches.completed == 2 && info.recordsProcessed == 3 && info.recordsFailed == 1)
        #expect(try await org.accountNames() == ["Ada", "Bo"])
        #expect(await org.error { _ = try await add(org, id, "Name\nC\n") }?.errorCode == "InvalidJobState")
    }

    @Test func theRequestComesBackAsItWasSent() async throws {
        let org = try await TestOrg.open()
        let id = try await job(org, .insert)
        let batch = try await add(org, id, "Name\nAda\n")
        let document = try await org.sandbox.batchRequest(batch.id, of: id, context: org.context)
        #expect(try await org.bytes(of: document) == Array("Name\nAda\n".utf8))
    }

    @Test func anAbortedJobLeavesItsBatchesUndone() async throws {
        let org = try await TestOrg.open()
        let id = try await job(org, .insert)
        let batch = try await add(org, id, "Name\nAda\n")
        _ = try await org.sandbox.setBulkJob(id, .classic, to: .aborted, context: org.context)
        try await org.sandbox.finishBulkWork()
        #expect(try await org.sandbox.batch(batch.id, of: id, context: org.context).state == .notProcessed)
        #expect(try await org.accountNames() == [])
    }

    @Test func anUnknownColumnFailsItsBatchAndNoOther() async throws {
        let org = try await TestOrg.open()
        let id = try await job(org, .insert)
        let bad = try await add(org, id, "Nonsense\nx\n")
        let good = try await add(org, id, "Name\nAda\n")
        try await org.sandbox.finishBulkWork()
        let failed = try await org.sandbox.batch(bad.id, of: id, context: org.context)
        #expect(failed.state == .failed && failed.stateMessage == "InvalidBatch : Field name not found : Nonsense")
        #expect(try await org.sandbox.batch(good.id, of: id, context: org.context).state == .completed)
    }

    @Test func aQueryBatchHasOneResult() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("Ada"))])
        let id = try await job(org, .query, .json)
        let batch = try await add(org, id, "SELECT Id, Name, CreatedDate, Owner.Username FROM Account", isQuery: true)
        try await org.sandbox.finishBulkWork()
        let results = try await org.sandbox.batchResultIDs(batch.id, of: id, context: org.context)
        #expect(results.count == 1)
        let document = try await org.sandbox.batchResult(results[0], of: batch.id, job: id, context: org.context)
        let url = "/services/data/v66.0/sobjects/Account/\(account)"
        let user = org.sandbox.usernames[0]
        #expect(
            String(decoding: try await org.bytes(of: document), as: UTF8.self)
                == "[{\"attributes\":{\"type\":\"Account\",\"url\":\"\(url)\"},\"Id\":\"\(account)\",\"Name\":\"Ada\","
                + "\"CreatedDate\":1771300995000,\"Owner\":{\"Username\":\"\(user)\"}}]")
    }

    @Test func aQueryThatCannotBePlannedIsAFailedBatch() async throws {
        let org = try await TestOrg.open()
        let id = try await job(org, .query)
        let batch = try await add(org, id, "SELECT Nonsense FROM Account", isQuery: true)
        #expect(batch.state == .failed)
        #expect(batch.stateMessage?.hasPrefix("InvalidBatch : Failed to process query: INVALID_FIELD") == true)
    }

    @Test func pkChunksCutTheIdsIntoRanges() async throws {
        let org = try await TestOrg.open()
        let names = (0..<250).map { "A\($0)" }
        #expect(try await org.ingest("Account", .insert, "Name\n" + names.joined(separator: "\n")).recordsFailed == 0)
        let id = try await job(org, .query, pkChunking: PKChunking(chunkSize: 100))
        let original = try await add(
            org, id, "SELECT Name FROM Account WHERE Name LIKE 'A%' OR Name = 'B'", isQuery: true)
        #expect(original.state == .notProcessed)
        try await org.sandbox.finishBulkWork()
        let batches = try await org.sandbox.batches(of: id, context: org.context)
        #expect(batches.count == 4 && batches.dropFirst().allSatisfy { $0.state == .completed })
        var found: [String] = []
        for batch in batches.dropFirst() {
            #expect(batch.recordsProcessed <= 100)
            for result in try await org.sandbox.batchResultIDs(batch.id, of: id, context: org.context) {
                let document = try await org.sandbox.batchResult(result, of: batch.id, job: id, context: org.context)
                found += try await org.rows(of: document).dropFirst().map { $0[0] }
            }
        }
        #expect(found.sorted() == names.sorted())
    }

    @Test func rangesOfIdsCoverEveryIdOnce() throws {
        let first = try #require(RecordID("001Dp0000000009")), last = try #require(RecordID("001Dp00000000Az"))
        let ranges = PKChunks.ranges(from: first, to: last, chunkSize: 100)
        #expect(ranges.first?.from == first.string && ranges.last?.below == nil)
        #expect(ranges.count == 7)
        for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.below == right.from) }
        #expect(
            PKChunks.soql("SELECT Id FROM A WHERE x = ' where (' OR y = 1", in: ranges[0])
                .contains("WHERE ( x = ' where (' OR y = 1) AND Id >= '"))
        #expect(!PKChunks.suit("SELECT Id FROM A ORDER BY Id") && !PKChunks.suit("select id from A limit 3"))
        #expect(PKChunks.suit("SELECT Id FROM A WHERE Name = 'order limit'"))
        #expect(!PKChunks.suit("SELECT Id FROM A OFFSET 1") && !PKChunks.suit("SELECT COUNT(Id) FROM A GROUP BY B"))
    }

    /// `Order` is an object as well as a word of the grammar, and a condition need not be the last clause.
    @Test(arguments: [
        "SELECT Id FROM Order", "SELECT Id FROM Order WHERE Name = 'a' OR Name = 'b'",
        "SELECT Id FROM Order FOR VIEW", "SELECT Id FROM Order WHERE Name = 'for all' WITH SECURITY_ENFORCED",
        "SELECT Id FROM Order o USING SCOPE everything WHERE o.Name = null ALL ROWS",
    ])
    func queriesAreCutWhereverTheirConditionEnds(_ soql: String) throws {
        #expect(PKChunks.suit(soql))
        let first = try #require(RecordID("801Dp0000000001")), last = try #require(RecordID("801Dp0000000009"))
        let ranges = PKChunks.ranges(from: first, to: last, chunkSize: 5)
        let (whole, cut) = (try Query(soql), try Query(PKChunks.soql(soql, in: ranges[0])))
        let bounds = try Query(
            "SELECT Id FROM Order WHERE Id >= '\(ranges[0].from)' AND Id < '\(ranges[1].from)'")
        guard case .and(let limits)? = bounds.filter, case .and(let operands)? = cut.filter else {
            Issue.record("no condition of several parts: \(cut)")
            return
        }
        #expect(operands == (whole.filter.map { [$0] } ?? []) + limits)
        #expect(cut.items == whole.items && cut.object == whole.object && cut.alias == whole.alias)
        #expect(cut.includesDeleted == whole.includesDeleted && cut.scope == whole.scope)
    }
}
