import Doors
import Foundation
import Logging
import Sandbox

/// How long an org takes to be there: founded with its keys and sample data, opened again, filled with many rows, and opened
/// with them.
///
/// `bench org [ROWS]`: rows that it is filled with (default 1,000,000), as `millrace sandbox --rows` makes them.
func runOrgBenchmark(arguments: [String]) async throws {
    let rows = arguments.first.flatMap { Int($0) } ?? 1_000_000
    let benchmark = OrgBenchmark()
    var founding: [Double] = []
    var opening: [Double] = []
    for _ in 0..<OrgBenchmark.rounds {
        try await benchmark.inDirectory { directory in
            founding.append(try await benchmark.open(directory) { _ in })
            opening.append(try await benchmark.open(directory) { _ in })
        }
    }
    print("org: founded, with keys and sample data: \(benchmark.milliseconds(founding)) ms")
    print("org: opened again: \(benchmark.milliseconds(opening)) ms")
    try await benchmark.inDirectory { directory in
        _ = try await benchmark.open(directory) { sandbox in
            let (began, processor) = (ContinuousClock.now, processorSeconds())
            try await sandbox.loadRows(rows, seed: 7)
            let (seconds, core) = ((ContinuousClock.now - began) / .seconds(1), processorSeconds() - processor)
            print(
                "org: \(rows) rows loaded in \(Int(seconds)) s, \(Int(Double(rows) / core)) rows/s per core; "
                    + "\(try benchmark.bytes(in: directory) >> 20) MB on disk")
        }
        var reopened: [Double] = []
        for _ in 0..<OrgBenchmark.rounds { reopened.append(try await benchmark.open(directory, benchmark.query)) }
        print("org: opened with \(rows) rows: \(benchmark.milliseconds(reopened)) ms")
    }
}

struct OrgBenchmark {
    static let rounds = 5
    private static let queries = 2_000

    func inDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("millrace-bench-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(directory)
    }

    /// Seconds until it is open; what `body` does then does not count.
    func open(_ directory: String, _ body: (Sandbox) async throws -> Void) async throws -> Double {
        let began = ContinuousClock.now
        let sandbox = try await Sandbox(directory: directory, logger: Logger(label: "bench"))
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        try await body(sandbox)
        try await sandbox.close()
        return seconds
    }

    /// Cases of one contact each, found by the index of their lookup.
    func query(_ sandbox: Sandbox) async throws {
        let session = try await sandbox.openSession(username: sandbox.usernames[0])
        let context = CallContext(session: session, apiVersion: "66.0", clientName: nil)
        let page = try await sandbox.query(
            "SELECT Id FROM Contact LIMIT \(Self.queries)", scope: .live, batchSize: Self.queries, context: context)
        let ids = page.records.compactMap { record -> String? in
            guard case .object(let members) = record,
                case .string(let id) = members.first(where: { $0.name == "Id" })?.value
            else { return nil }
            return id
        }
        let began = ContinuousClock.now
        for id in ids {
            _ = try await sandbox.query(
                "SELECT Id, Status FROM Case WHERE ContactId = '\(id)'", scope: .live, batchSize: nil, context: context)
        }
        let microseconds = (ContinuousClock.now - began) / .microseconds(1) / Double(max(1, ids.count))
        print("org: the cases of a contact: \(Int(microseconds)) µs per query, \(ids.count) contacts")
    }

    func milliseconds(_ seconds: [Double]) -> Int { Int(seconds.sorted()[seconds.count / 2] * 1_000) }

    func bytes(in directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + name)
            return sum + ((attributes[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}
