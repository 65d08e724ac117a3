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
        let directory = try TemporaryDirectory()
        try await killAgainAndAgain(directory.file("s.sqlite"))
    }

    @Test(
        .timeLimit(.minutes(5)), .enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
    func killedWriterLosesAndDoublesNothingOnPostgreSQL() async throws {
        let database = try PostgresDatabase()
        try await killAgainAndAgain(database.url)
    }

    /// - Parameter path: of a file, or a database's URL.
    private func killAgainAndAgain(_ path: String) async throws {
        var random = SeededRandom()
        print("KillTests: MILLRACE_SEED=\(random.seed)")
        var (acknowledged, cutShort) = (0, 0)
        for round in 1...Self.kills {
            let first = try await lastNumber(path) + 1
            let writer = try WriterProcess(database: path, first: first)
            // The moment of the kill: after a random number of acknowledgements, and then somewhere inside the next
            // transaction, which takes some hundred microseconds to milliseconds.
            let patience = random.int(0..<25)
            var lines = try writer.lines(untilBegunAfter: patience)
            spin(for: .microseconds(random.int(0..<4_000)))
            lines += try writer.kill()
            let done = number(behind: "acknowledged", in: lines) ?? first - 1
            let begun = try #require(number(behind: "begin", in: lines))
            if begun > done { cutShort += 1 }
            acknowledged = max(acknowledged, done)
            // A transaction that was begun is there whole or not at all.
            let kept = try await check(path, round: round)
            #expect(
                kept == done || kept == begun,
                "seed \(random.seed), round \(round): \(kept) is left of \(done) acknowledged and \(begun) begun")
        }
        #expect(acknowledged > 0)
        print("KillTests: \(cutShort) of \(Self.kills) kills fell inside a transaction")
        #expect(cutShort > 0)
    }

    /// Of the last line that begins with a word.
    private func number(behind word: String, in lines: [String]) -> Int? {
        lines.last { $0.hasPrefix(word + " ") }.flatMap { Int($0.dropFirst(word.count + 1)) }
    }

    /// The store that was written, and how it verifies itself.
    private func open(
        _ path: String
    ) async throws -> (store: any EventStore, verify: () async throws -> SQLiteStore.Verification) {
        guard path.hasPrefix("postgres:") else {
            let store = try SQLiteStore(path: path)
            return (store, { try await store.verify() })
        }
        // The server may need a moment to notice that the writer is gone.
        let store = try await PostgresStore.open(path, whenLocked: .wait)
        return (store, { try await store.verify() })
    }

    private func lastNumber(_ path: String) async throws -> Int {
        let store = try await open(path).store
        let head = try await store.read { try $0.head() }
        try await store.close()
        return Int(head.rawValue)
    }

    /// What a writer has left behind.
    private struct Left: Sendable {
        let events: [LoggedEvent]
        let cases: [StoredRecord]
        let tasks: [StoredRecord]
        let table: ObjectTable?
        /// Tasks whose status is the number of the last event, asked for through the index.
        let newest: [StoredRecord]
        let cursor: ReplayID?
        let state: [UInt8]?

        init(_ reader: any StoreReader) throws {
            events = try reader.events(after: .start, selection: .all, limit: .max, bytesMax: .max)
            cases = try reader.records(entity: "Case", after: nil, limit: .max)
            tasks = try reader.records(entity: "Task", after: nil, limit: .max)
            table = try reader.objectTable("Task")
            let head = try reader.head().rawValue
            newest = try reader.records(entity: "Task", where: "Status", is: .string("\(head)"), limit: 9)
            cursor = try reader.cursor(topic: "/data/CaseChangeEvent")
            state = try reader.state("last")
        }
    }

    /// The log holds the numbers from 1 without a hole; cursor, state and records, in a table of their object or not, are
    /// those of its last event.
    private func check(_ path: String, round: Int) async throws -> Int {
        let (store, verify) = try await open(path)
        let verification = try await verify()
        let left = try await store.read { try Left($0) }
        try await store.close()
        let numbers = left.events.compactMap { $0.content.event.replayID.counter.map(Int.init) }
        #expect(numbers == Array(1..<left.events.count + 1), "round \(round)")
        #expect(verification.events == left.events.count)
        #expect(verification.records == left.cases.count + left.tasks.count)
        guard let last = numbers.last else {
            #expect(left.table == nil && left.cases.isEmpty && left.tasks.isEmpty, "round \(round)")
            return 0
        }
        #expect(left.cursor == ReplayID(counter: UInt64(last)))
        #expect(left.state == Array("\(last)".utf8))
        var expected: [RecordID: String] = [:]
        for number in numbers { expected[.test("500", number % 100)] = "\(number)" }
        #expect(statuses(of: left.cases) == expected, "round \(round)")
        #expect(statuses(of: left.tasks) == expected, "round \(round)")
        #expect(left.table == .indexedTask, "round \(round)")
        #expect(left.newest == [.test(last % 100, entity: "Task", status: "\(last)")], "round \(round)")
        return last
    }

    private func statuses(of records: [StoredRecord]) -> [RecordID: String] {
        var found: [RecordID: String] = [:]
        for record in records {
            if case .string(let status)? = record.image.fields["Status"] { found[record.image.id] = status }
        }
        return found
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

    /// Up to and with the line that says that the transaction after so many has begun.
    func lines(untilBegunAfter acknowledgements: Int) throws -> [String] {
        var lines: [String] = []
        var count = 0
        while true {
            let line = try nextLine()
            lines.append(line)
            if line.hasPrefix("acknowledged ") {
                count += 1
            } else if count == acknowledgements {
                return lines
            }
        }
    }

    /// Kills it, and returns what it printed until it died.
    func kill() throws -> [String] {
        process.kill()
        #expect(try process.waitForEnd() == .killed(signal: SIGKILL))
        return try process.remainingOutput().split(separator: "\n").map(String.init)
    }
}
