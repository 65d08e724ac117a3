import Doors
import Foundation
import Logging
import Sandbox

/// The org asked in process: SOQL by id, by an indexed field and through a parent, µs per query; and the rows of a large
/// object as Bulk reads them, rows per second.
///
/// `bench query [ROWS]`: accounts in the org (default 100,000).
func runQueryBenchmark(arguments: [String]) async throws {
    let rows = arguments.first.flatMap { Int($0) } ?? 100_000
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    var configuration = Sandbox.Configuration()
    configuration.loadsSampleData = false
    configuration.selectedEntities = []
    configuration.isDurable = false
    let sandbox = try await Sandbox(
        directory: directory.path, configuration: configuration, logger: Logger(label: "bench"))
    let benchmark = try await QueryBenchmark(sandbox: sandbox, rows: rows)
    try await benchmark.run()
    try await sandbox.close()
}

struct QueryBenchmark {
    static let rounds = 5
    static let queriesPerRound = 5_000
    static let rowsPerBatch = 50_000

    let sandbox: Sandbox
    let context: CallContext
    let ids: [String]

    init(sandbox: Sandbox, rows: Int) async throws {
        self.sandbox = sandbox
        let session = try await sandbox.openSession(username: sandbox.usernames[0])
        context = CallContext(session: session, apiVersion: "67.0", clientName: nil)
        var ids: [String] = []
        let began = ContinuousClock.now
        for start in stride(from: 0, to: rows, by: 10_000) {
            let numbers = start..<min(rows, start + 10_000)
            ids += try await sandbox.transaction { transaction in
                try numbers.map { number in
                    try transaction.create(
                        "Account",
                        [
                            "Name": .string("Account \(number)"), "Industry": .string("Energy"),
                            "NumberOfEmployees": .integer(Int64(number % 1_000)), "BillingCity": .string("Kiel"),
                        ]
                    ).string
                }
            }
        }
        self.ids = ids
        Self.report("created in transactions of 10,000", Double(rows) / Self.seconds(since: began), "rows/s")
    }

    func run() async throws {
        try await time("by id, 3 fields") {
            "SELECT Id, Name, Industry FROM Account WHERE Id = '\(ids[$0 % ids.count])'"
        }
        try await time("by indexed name") {
            "SELECT Id, Industry FROM Account WHERE Name = 'Account \($0 % ids.count)'"
        }
        try await time("the same text by id") { _ in "SELECT Id, Name FROM Account WHERE Id = '\(ids[0])'" }
        try await time("by id with a parent") {
            "SELECT Id, Owner.Username FROM Account WHERE Id = '\(ids[$0 % ids.count])'"
        }
        for _ in 0..<Self.rounds { try await stream() }
    }

    private func time(_ name: String, _ soql: (Int) -> String) async throws {
        var medians: [Double] = []
        for round in 0..<Self.rounds {
            let texts = (0..<Self.queriesPerRound).map { soql(($0 &+ round &* 7_919) &* 31) }
            let began = ContinuousClock.now
            for text in texts {
                let page = try await sandbox.query(text, scope: .live, batchSize: nil, context: context)
                precondition(page.totalSize == 1, "the query found what it should not")
            }
            medians.append(Self.seconds(since: began) * 1e6 / Double(texts.count))
        }
        Self.report(name, medians.sorted()[Self.rounds / 2], "µs per query")
    }

    private func stream() async throws {
        let query = try await sandbox.rowQuery(
            "SELECT Id, Name, Industry, NumberOfEmployees, BillingCity, CreatedDate FROM Account", scope: .live,
            context: context)
        let began = ContinuousClock.now
        var place: RowPlace?
        var count = 0
        repeat {
            let batch = try await sandbox.rows(of: query, after: place, limit: Self.rowsPerBatch, context: context)
            count += batch.rowCount
            place = batch.next
        } while place != nil
        precondition(count == ids.count, "every row is read once")
        Self.report("rows of 6 columns for Bulk", Double(count) / Self.seconds(since: began), "rows/s")
    }

    private static func seconds(since began: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - began) / .seconds(1)
    }

    private static func report(_ name: String, _ figure: Double, _ unit: String) {
        print("query: \(name): \((figure * 10).rounded() / 10) \(unit)")
    }
}
