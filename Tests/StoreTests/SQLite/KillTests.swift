import ChangeEvents
import Foundation
@testable import Store
import TestSupport
import Testing

/// `kill -9` at random moments, again and again on the same database: nothing acknowledged is lost, nothing is doubled.
@Suite(.serialized) struct KillTests {
    static let kills = 25

    @Test(.timeLimit(.minutes(5)))
    func killedWriterLosesAndDoublesNothing() async throws {
        var random = SeededRandom()
        print("KillTests: MILLRACE_SEED=\(random.seed)")
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        var acknowledged = 0
        for round in 1...Self.kills {
            let writer = try WriterProcess(database: path, first: try await lastNumber(path) + 1)
            // The moment of the kill: after a random number of acknowledgements, and then somewhere inside the next
            // transaction, which takes some hundred microseconds to milliseconds.
            let patience = random.int(0..<25)
            var lines: [String] = []
            for _ in 0..<patience { lines.append(try writer.nextLine()) }
            spin(for: .microseconds(random.int(0..<4_000)))
            lines += try writer.kill()
            for line in lines where line.hasPrefix("acknowledged ") {
                acknowledged = max(acknowledged, Int(line.dropFirst("acknowledged ".count)) ?? 0)
            }
            let last = try await check(path, round: round)
            #expect(last >= acknowledged, "seed \(random.seed), round \(round): an acknowledged event is gone")
        }
        #expect(acknowledged > 0)
    }

    private func lastNumber(_ path: String) async throws -> Int {
        let store = try SQLiteStore(path: path)
        let head = try await store.read { try $0.head() }
        try await store.close()
        return Int(head.rawValue)
    }

    /// The log holds the numbers from 1 without a hole, and records, cursor and state are those of its last event.
    private func check(_ path: String, round: Int) async throws -> Int {
        let store = try SQLiteStore(path: path)
        let verification = try await store.verify()
        let (events, records, cursor, state) = try await store.read { reader in
            (
                try reader.events(after: .start, selection: .all, limit: .max, bytesMax: .max),
                try reader.records(entity: "Case", after: nil, limit: .max),
                try reader.cursor(topic: "/data/CaseChangeEvent"), try reader.state("last")
            )
        }
        try await store.close()
        let numbers = events.compactMap { $0.content.event.replayID.counter.map(Int.init) }
        #expect(numbers == Array(1..<events.count + 1), "round \(round)")
        #expect(verification.events == events.count)
        guard let last = numbers.last else { return 0 }
        #expect(cursor == ReplayID(counter: UInt64(last)))
        #expect(state == Array("\(last)".utf8))
        var expected: [RecordID: String] = [:]
        for number in numbers { expected[.test("500", number % 100)] = "\(number)" }
        var found: [RecordID: String] = [:]
        for record in records {
            if case .string(let status)? = record.image.fields["Status"] { found[record.image.id] = status }
        }
        #expect(found == expected, "round \(round)")
        return last
    }

    private func spin(for duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {}
    }
}

/// A running `StoreWriter`, whose lines are read as they come.
private struct WriterProcess {
    private let process: ChildProcess

    init(database: String, first: Int) throws {
        process = try ChildProcess(Self.executable, [database, "\(first)", "1000000"])
        // It has the database open before anything is killed: a kill during opening is a kill of nothing.
        while try nextLine() != "open" {}
    }

    /// Beside the test bundle.
    private static var executable: String {
        let testBundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let candidates = [testBundle, URL(fileURLWithPath: FileManager.default.currentDirectoryPath + "/.build/debug")]
            .map { $0.appendingPathComponent("StoreWriter").path }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[0]
    }

    func nextLine() throws -> String {
        guard let line = try process.nextLine() else {
            throw DeadlinePassed(description: "the writer ended by itself: \(try process.waitForEnd())")
        }
        return line
    }

    /// Kills it, and returns what it printed until it died.
    func kill() throws -> [String] {
        process.kill()
        #expect(try process.waitForEnd() == .killed(signal: SIGKILL))
        return try process.remainingOutput().split(separator: "\n").map(String.init)
    }
}
