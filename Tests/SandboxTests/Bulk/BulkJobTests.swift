import Doors
import NIOCore
import Store
import Testing
import Twin

@testable import Sandbox

/// Creating, states, limits, time: what concerns jobs and not rows.
struct BulkJobTests {
    @Test func aNewJobSaysWhatItIs() async throws {
        let org = try await TestOrg.open()
        let job = try await open(org, "account")
        #expect(job.object == "Account" && job.state == .open && job.apiVersion == "66.0")
        #expect(job.id.hasPrefix("750") && job.id.utf8.count == 18)
        #expect(job.createdByID == org.context.session.userID)
    }

    private func open(_ org: TestOrg, _ object: String = "Account") async throws -> BulkJobInfo {
        try await org.sandbox.createIngestJob(NewIngestJob(object: object, operation: .insert), context: org.context)
    }

    private func state(_ org: TestOrg, _ id: String) async throws -> BulkJobState {
        try await org.sandbox.bulkJob(id, .ingest, context: org.context).state
    }

    private func refusal(of state: BulkJobState, _ id: String, _ org: TestOrg) async -> OrgError? {
        await org.error { _ = try await org.sandbox.setBulkJob(id, .ingest, to: state, context: org.context) }
    }

    @Test func whatCannotBeAJobIsRefused() async throws {
        let definitions = try SchemaNodes.definitions(
            #"{"events": {"Low_Charge__e": {"fields": {"VIN__c": {"type": "Text", "length": 17}}}}}"#)
        let org = try await TestOrg.open { $0.schema = definitions }
        #expect(org.sandbox.catalogue.event("Low_Charge__e") != nil)
        func refusal(_ object: String, _ operation: BulkOperation, _ field: String? = nil) async -> OrgError? {
            var job = NewIngestJob(object: object, operation: operation)
            job.externalIDField = field
            let new = job
            return await org.error { _ = try await org.sandbox.createIngestJob(new, context: org.context) }
        }
        #expect(await refusal("Spaceship", .insert)?.errorCode == "InvalidEntity")
        #expect(await refusal("Spaceship", .insert)?.message == "Entity 'Spaceship' is not supported by the Bulk API.")
        // The Bulk API publishes no events.
        for operation in [BulkOperation.insert, .update, .upsert, .delete, .hardDelete] {
            #expect(await refusal("Low_Charge__e", operation, "Id")?.errorCode == "InvalidEntity", "\(operation)")
        }
        #expect(await refusal("Account", .upsert)?.errorCode == "InvalidJob")
        #expect(await refusal("Account", .upsert, "Site")?.errorCode == "InvalidJob")
        #expect(await refusal("Account", .upsert, "Id") == nil)
    }

    @Test func everyStateRefusesWhatItCannotBecome() async throws {
        let org = try await TestOrg.open()
        let id = try await open(org).id
        #expect(await refusal(of: .uploadComplete, id, org)?.errorCode == "InvalidJobState")
        let delete: () async throws -> Void = {
            try await org.sandbox.deleteBulkJob(id, .ingest, context: org.context)
        }
        #expect(await org.error(delete)?.errorCode == "InvalidJobState")
        #expect(await org.error { _ = try await org.results(id, .failed) }?.errorCode == "InvalidJobState")
        try await org.upload("Name\nAda\n", to: id)
        #expect(await org.error { try await org.upload("Name\nBo\n", to: id) }?.errorCode == "InvalidJobState")
        #expect(await refusal(of: .uploadComplete, id, org) == nil)
        #expect(await org.error { try await org.upload("Name\nBo\n", to: id) }?.errorCode == "InvalidJobState")
        #expect(await refusal(of: .uploadComplete, id, org)?.errorCode == "InvalidJobState")
        try await org.sandbox.finishBulkWork()
        #expect(await refusal(of: .aborted, id, org)?.message == "Aborting already Completed Job not allowed")
        #expect(try await org.accountNames() == ["Ada"])
        try await delete()
        #expect(await org.error { _ = try await state(org, id) }?.status == 404)
    }

    @Test func aJobIsNotFoundThroughAnotherFamily() async throws {
        let org = try await TestOrg.open()
        let id = try await open(org).id
        for type in [BulkJobType.query, .classic] {
            #expect(await org.error { _ = try await org.sandbox.bulkJob(id, type, context: org.context) } != nil)
        }
        #expect(await org.error { _ = try await state(org, "hello") }?.status == 404)
        #expect(await org.error { _ = try await state(org, "750000000000000AAA") }?.status == 404)
    }

    @Test func anAbortedJobWritesNothingAndItsRowsAreUnprocessed() async throws {
        let org = try await TestOrg.open()
        let job = try await org.uploaded("Account", .insert, "Name\nAda\n")
        #expect(await refusal(of: .aborted, job.id, org) == nil)
        try await org.sandbox.finishBulkWork()
        #expect(try await state(org, job.id) == .aborted)
        #expect(try await org.accountNames() == [])
        #expect(try await org.results(job.id, .unprocessed) == [["Name"], ["Ada"]])
    }

    @Test func aJobAbortedInTheMiddleKeepsWhatIsDone() async throws {
        let org = try await TestOrg.open()
        let rows = (1...500).map { "A\($0)" }
        let job = try await org.uploaded("Account", .insert, "Name\n" + rows.joined(separator: "\n"))
        let runner = BulkRunner(org.sandbox)
        for _ in 0..<3 { _ = try await runner.step() }
        #expect(await refusal(of: .aborted, job.id, org) == nil)
        try await org.sandbox.finishBulkWork()
        let info = try await org.sandbox.bulkJob(job.id, .ingest, context: org.context)
        #expect(info.state == .aborted && info.recordsProcessed == 400)
        #expect(try await org.results(job.id, .successful).count == 401)
        #expect(try await org.results(job.id, .unprocessed).count == 101)
        #expect(try await org.accountNames().count == 400)
    }

    @Test func workGoesOnBehindTheLastRowAfterARestartAndNoRowComesTwice() async throws {
        var org = try await TestOrg.open()
        let rows = (1...700).map { "A\($0)" }
        let job = try await org.uploaded("Account", .insert, "Name\n" + rows.joined(separator: "\n"))
        for _ in 0..<3 {
            let runner = BulkRunner(org.sandbox)
            org.sandbox.bulk.add(job.id)
            _ = try await runner.step()
            org = try await org.reopened()
        }
        try await org.sandbox.finishBulkWork()
        #expect(try await org.accountNames() == rows.sorted())
        #expect(try await org.results(job.id, .successful).count == 701)
    }

    @Test func jobsAreKeptSevenDaysAndOpenOnesADay() async throws {
        let org = try await TestOrg.open()
        let done = try await org.ingest("Account", .insert, "Name\nAda\n").id
        let opened = try await open(org).id
        org.clock.advance(.seconds(86_401))
        #expect(try await state(org, opened) == .aborted)
        #expect(await org.error { try await org.upload("Name\nBo\n", to: opened) }?.errorCode == "InvalidJobState")
        #expect(try await state(org, done) == .jobComplete)
        org.clock.advance(.seconds(6 * 86_400))
        #expect(await org.error { _ = try await state(org, done) }?.status == 404)
        _ = try await open(org)
        #expect(try await org.sandbox.bulkJobs(BulkJobFilter(types: [.ingest]), context: org.context).jobs.count == 1)
    }

    @Test func listsAreNewestFirstAndFiltered() async throws {
        let org = try await TestOrg.open()
        var ids: [String] = []
        for _ in 0..<3 { ids.append(try await open(org).id) }
        var classic = NewClassicJob(object: "Account", operation: .insert, contentType: .json)
        classic.isSerial = true
        let serial = try await org.sandbox.createClassicJob(classic, context: org.context).id
        func list(_ filter: BulkJobFilter) async throws -> [String] {
            try await org.sandbox.bulkJobs(filter, context: org.context).jobs.map(\.id)
        }
        #expect(try await list(BulkJobFilter(types: [.ingest])) == ids.reversed())
        #expect(try await list(BulkJobFilter(types: [.ingest, .classic])) == [serial] + ids.reversed())
        var filter = BulkJobFilter(types: [.ingest, .classic])
        filter.isSerial = true
        #expect(try await list(filter) == [serial])
        filter.locator = "nonsense"
        let hostile = filter
        #expect(await org.error { _ = try await list(hostile) }?.errorCode == "InvalidQueryLocator")
    }

    @Test func batchesAreCountedAgainstTheLimitOfTheDay() async throws {
        let org = try await TestOrg.open()
        _ = try await org.ingest("Account", .insert, "Name\nAda\n")
        func remaining() async throws -> Int? {
            try await org.sandbox.bulkLimits().first { $0.name == "DailyBulkApiBatches" }?.remaining
        }
        #expect(try await remaining() == BulkUsage.batchesMax - 1)
        org.clock.advance(.seconds(25 * 3_600))
        #expect(try await remaining() == BulkUsage.batchesMax)
        let now = org.clock.now
        try await org.sandbox.twin.commit { writer in
            var usage = BulkUsage()
            usage.add(BulkUsage.batchesMax, to: .batches, now: now)
            try BulkState.put(usage, writer)
        }
        let job = try await org.ingest("Account", .insert, "Name\nBo\n")
        #expect(job.state == .failed)
        #expect(job.errorMessage?.hasPrefix("ExceededQuota") == true)
    }

    /// As if so much had been done before.
    private func use(_ amount: Int, _ count: BulkUsage.Count, of max: Int, _ org: TestOrg) async throws {
        let now = org.clock.now
        try await org.sandbox.twin.commit { writer in
            try BulkState.count(amount, count, of: max, "\(count)", now: now, writer)
        }
    }

    @Test func aDayWithoutQueryJobsLeftEnds() async throws {
        let org = try await TestOrg.open()
        try await use(BulkUsage.queryJobsMax - 1, .queryJobs, of: BulkUsage.queryJobsMax, org)
        let create: () async throws -> Void = {
            _ = try await org.sandbox.createQueryJob(
                NewQueryJob(soql: "SELECT Id FROM Account", operation: .query), context: org.context)
        }
        #expect(await org.error(create) == nil)
        let refusal = await org.error(create)
        #expect(refusal?.errorCode == "ExceededQuota")
        #expect(refusal?.status == 400)
        org.clock.advance(.seconds(23 * 3_600))
        #expect(await org.error(create)?.errorCode == "ExceededQuota")
        org.clock.advance(.seconds(3_600))
        #expect(await org.error(create) == nil)
        // What was refused has not counted.
        let limits = try await org.sandbox.bulkLimits()
        #expect(limits.first { $0.name == "DailyBulkV2QueryJobs" }?.remaining == BulkUsage.queryJobsMax - 1)
    }

    /// A job takes as many batches as its rows need, and all of them or none.
    @Test func aDayWithoutBatchesLeftEnds() async throws {
        let org = try await TestOrg.open()
        try await use(BulkUsage.batchesMax - 1, .batches, of: BulkUsage.batchesMax, org)
        #expect(try await org.ingest("Account", .insert, "Name\nAda\n").state == .jobComplete)
        let refused = try await org.ingest("Account", .insert, "Name\nBo\n")
        #expect(refused.state == .failed && refused.recordsProcessed == 0)
        #expect(refused.errorMessage?.hasPrefix("ExceededQuota : ") == true)
        org.clock.advance(.seconds(24 * 3_600))
        #expect(try await org.ingest("Account", .insert, "Name\nCy\n").state == .jobComplete)
        #expect(try await org.accountNames() == ["Ada", "Cy"])
    }

    @Test func twoJobsTakeTurns() async throws {
        let org = try await TestOrg.open()
        let rows = (1...600).map { "L\($0)" }.joined(separator: "\n")
        let long = try await org.uploaded("Account", .insert, "Name\n" + rows).id
        let short = try await org.uploaded("Account", .insert, "Name\nShort\n").id
        let runner = BulkRunner(org.sandbox)
        for _ in 0..<4 { _ = try await runner.step() }
        #expect(try await state(org, short) == .jobComplete)
        #expect(try await state(org, long) == .inProgress)
    }

    @Test func anUploadThatIsCutCountsForNothing() async throws {
        struct Cut: Error {}
        let org = try await TestOrg.open()
        let id = try await open(org).id
        let pieces = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(string: "Name\nAd"))
            continuation.finish(throwing: Cut())
        }
        let cut = await org.error { try await org.sandbox.uploadRows(pieces, to: id, context: org.context) }
        #expect(cut?.errorCode == "ClientInputError")
        try await org.upload("Name\nAda\n", to: id)
        #expect(await refusal(of: .uploadComplete, id, org) == nil)
        try await org.sandbox.finishBulkWork()
        #expect(try await org.accountNames() == ["Ada"])
    }
}
