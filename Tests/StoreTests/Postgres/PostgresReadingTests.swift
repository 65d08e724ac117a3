import ChangeEvents
import Dispatch
@testable import Store
import Synchronization
import TestSupport
import Testing

/// Reads on sessions of the server.
@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
struct PostgresReadingTests {
    private static let endless = RowSelect(
        sql: "WITH RECURSIVE n(i) AS (SELECT 1::bigint UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    /// How many reads have begun.
    private final class Begun: Sendable {
        private let number = Atomic(0)

        var count: Int { number.load(ordering: .sequentiallyConsistent) }

        func add() { number.add(1, ordering: .sequentiallyConsistent) }
    }

    @Test func cancelledReadEndsInTheMiddleOfItsStatement() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url, readersMax: 2)
        let begun = Begun()
        let read = Task {
            try await store.read { reader in
                begun.add()
                try reader.select(Self.endless) { _ in true }
            }
        }
        defer { read.cancel() }
        try await poll("the read") { begun.count == 1 }
        read.cancel()
        await #expect(throws: CancellationError.self) { try await read.value }
        for _ in 0..<5 { #expect(try await store.read { try $0.head() } == .start) }
        // The statement is gone from the server, too.
        try await poll("the end of the statement") {
            try database.run("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state = 'active'")
                == "0"
        }
        try await store.close()
    }

    @Test func readEndsWhenItsTimeIsOver() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url, readersMax: 2)
        for _ in 0..<4 {
            await #expect {
                try await store.read(timeMax: .milliseconds(20)) { reader in
                    try reader.select(Self.endless) { _ in true }
                }
            } throws: { ($0 as? StoreError)?.code == .timedOut }
            #expect(try await store.read { try $0.head() } == .start)
        }
        #expect(try await store.read(timeMax: .seconds(60)) { try $0.head() } == .start)
        try await store.close()
    }

    @Test func readThatWaitsForASessionCanBeCancelled() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url, readersMax: 2)
        let running = Begun()
        let busy = (0..<2).map { _ in
            Task {
                try await store.read { reader in
                    running.add()
                    try reader.select(Self.endless) { _ in true }
                }
            }
        }
        defer { for task in busy { task.cancel() } }
        try await poll("all readers") { running.count == busy.count }
        let late = Begun()
        let waiting = Task { try await store.read { _ in late.add() } }
        waiting.cancel()
        for task in busy { task.cancel() }
        await #expect(throws: CancellationError.self) { try await waiting.value }
        for task in busy { await #expect(throws: CancellationError.self) { try await task.value } }
        #expect(late.count == 0)
        try await store.close()
    }

    @Test func errorOfTheBodyEndsTheSnapshot() async throws {
        struct Mine: Error {}
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url, readersMax: 1)
        for _ in 0..<3 {
            await #expect(throws: Mine.self) {
                try await store.read { reader in
                    _ = try reader.head()
                    throw Mine()
                }
            }
        }
        try await store.write { try $0.setState("seen", to: [1]) }
        #expect(try await store.read { try $0.state("seen") } == [1])
        try await store.close()
    }

    @Test func readersSeeTheirSnapshotAndDoNotBlockTheWriter() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.append(1...5)
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let written = DispatchSemaphore(value: 0)
        async let counts: (Int, Int) = store.read { reader in
            let before = try reader.events(after: .start, selection: .all, limit: 100, bytesMax: .max).count
            beginning.finish()
            written.wait()
            return (before, try reader.events(after: .start, selection: .all, limit: 100, bytesMax: .max).count)
        }
        for await _ in begun {}
        try await store.append(6...9)
        written.signal()
        #expect(try await counts == (5, 5))
        #expect(try await store.everything().count == 9)
        try await store.close()
    }

    /// A table that changes waits for the reads under way: they see it as it was.
    @Test func readersSeeTheTablesOfTheirSnapshot() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            try writer.define(.testCase)
            try writer.put(.test(1))
        }
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let goOn = DispatchSemaphore(value: 0)
        async let found: (ObjectTable?, StoredRecord?) = store.read { reader in
            beginning.finish()
            goOn.wait()
            return (try reader.objectTable("Case"), try reader.record(entity: "Case", id: .test("500", 1)))
        }
        for await _ in begun {}
        async let changed: Void = store.write { writer in
            var table = ObjectTable.testCase
            table.columns[1].type = .text
            try writer.define(table)
        }
        try await poll("the change to wait") {
            try database.run("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"
        }
        goOn.signal()
        #expect(try await found == (.testCase, .test(1)))
        try await changed
        #expect(try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) } == .test(1))
        try await store.close()
    }

    /// A session serves again after a transaction of any outcome.
    @Test func sessionsAreKept() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        func sessions() throws -> String {
            try database.run(
                "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity "
                    + "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        }
        try await store.append([1])
        _ = try await store.everything()
        let before = try sessions()
        for number in 2...5 {
            try await store.append([number])
            await #expect(throws: Deliberate.self) {
                try await store.write { writer in
                    _ = try writer.append(.test(9))
                    throw Deliberate()
                }
            }
            await #expect(throws: StoreError.self) {
                try await store.write { _ = try $0.select(RowSelect(sql: "SELECT 1 / 0")) { _ in true } }
            }
            await #expect(throws: StoreError.self) {
                try await store.read { _ = try $0.select(RowSelect(sql: "SELECT 1 / 0")) { _ in true } }
            }
            _ = try await store.everything()
        }
        #expect(before.split(separator: " ").count == 2)
        #expect(try sessions() == before)
        #expect(try await store.everything().count == 5)
        try await store.close()
    }
}
