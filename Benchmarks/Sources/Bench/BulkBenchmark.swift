import Doors
import Foundation
import Logging
import NIOCore
import Sandbox
import Synchronization

/// Bulk API 2.0 against a whole org, without sockets: rows of CSV into records with their change events, and records out into
/// the CSV of a result that is read to its end.
///
/// `bench bulk [--rows N]`: N rows of ten columns (default 100,000), with and without change data capture of the object, not
/// waiting for the disk. Rates are per second of processor time (one core) and of the clock.
func runBulkBenchmark(arguments: [String]) async throws {
    var count = 100_000
    if let index = arguments.firstIndex(of: "--rows"), index + 1 < arguments.count,
        let given = Int(arguments[index + 1])
    {
        count = given
    }
    for isCaptured in [false, true] {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("millrace-bench-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var configuration = Sandbox.Configuration()
        configuration.loadsSampleData = false
        configuration.isDurable = false
        configuration.selectedEntities = isCaptured ? ["Account"] : []
        let sandbox = try await Sandbox(
            directory: directory, configuration: configuration, logger: Logger(label: "bench"))
        try await BulkBenchmark(sandbox: sandbox, count: count, isCaptured: isCaptured).run()
        try await sandbox.close()
    }
}

struct BulkBenchmark {
    let sandbox: Sandbox
    let count: Int
    let isCaptured: Bool

    /// The caller; jobs need no session that lives.
    private let context = CallContext(
        session: OrgSession(
            accessToken: "", userID: "005000000000001AAA", username: "bench", organizationID: "00D000000000001AAA",
            clientID: "bench"), apiVersion: "66.0", clientName: nil)

    func run() async throws {
        let events = isCaptured ? "with change events" : "without change events"
        let csv = Self.rows(count)
        try await measure("ingest insert, \(events)") {
            let job = try await sandbox.createIngestJob(
                NewIngestJob(object: "Account", operation: .insert), context: context)
            let pieces = AsyncStream<ByteBuffer> { continuation in
                var rest = csv
                while let piece = rest.readSlice(length: min(64 << 10, rest.readableBytes)), piece.readableBytes > 0 {
                    continuation.yield(piece)
                }
                continuation.finish()
            }
            try await sandbox.uploadRows(pieces, to: job.id, context: context)
            _ = try await sandbox.setBulkJob(job.id, .ingest, to: .uploadComplete, context: context)
            try await sandbox.finishBulkWork()
            let info = try await sandbox.bulkJob(job.id, .ingest, context: context)
            guard info.recordsProcessed == count, info.recordsFailed == 0 else {
                preconditionFailure(
                    "\(info.recordsFailed) of \(info.recordsProcessed) rows failed: \(info.errorMessage ?? "")")
            }
        }
        try await measure("query, \(events)") {
            let soql =
                "SELECT Id, Name, Phone, Site, Industry, AnnualRevenue, NumberOfEmployees, BillingCity, OwnerId, "
                + "LastModifiedDate FROM Account"
            let job = try await sandbox.createQueryJob(NewQueryJob(soql: soql, operation: .query), context: context)
            try await sandbox.finishBulkWork()
            var rows = 0
            var locator: String?
            repeat {
                let page = try await sandbox.queryResults(of: job.id, locator: locator, rowsMax: nil, context: context)
                let bytes = Mutex(0)
                try await page.document.write { piece in bytes.withLock { $0 += piece.readableBytes } }
                rows += page.rows
                locator = page.nextLocator
            } while locator != nil
            guard rows == count else { preconditionFailure("\(rows) rows came out") }
        }
    }

    private func measure(_ name: String, _ body: () async throws -> Void) async throws {
        let (start, processor) = (ContinuousClock.now, processorSeconds())
        try await body()
        let (elapsed, used) = ((ContinuousClock.now - start) / .seconds(1), processorSeconds() - processor)
        func rate(_ seconds: Double) -> Int { Int((Double(count) / seconds).rounded()) }
        print("bulk: \(name), \(count) rows: \(rate(used)) rows/s per core, \(rate(elapsed)) rows/s by the clock")
    }

    private static func rows(_ count: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeString(
            "Name,Phone,Site,Industry,AnnualRevenue,NumberOfEmployees,BillingStreet,BillingCity,BillingCountry,Description\n"
        )
        for number in 0..<count {
            buffer.writeString(
                "\"Account \(number)\",+49 30 \(number),Site \(number % 7),Banking,\(number).5,\(number % 1_000),"
                    + "\"Street \(number), \"\"rear\"\"\",Berlin,Germany,plain text without much to say\n")
        }
        return buffer
    }
}
