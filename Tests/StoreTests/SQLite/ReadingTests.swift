import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import Store

/// Reads on the store's own threads.
struct ReadingTests {
    private static let endless = RowSelect(
        sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    /// How many reads have begun.
    private final class Begun: Sendable {
        private let number = Atomic(0)

        var count: Int { number.load(ordering: .sequentiallyConsistent) }

        func add() { number.add(1, ordering: .sequentiallyConsistent) }
    }

    @Test func cancelledReadEndsInTheMiddleOfItsStatement() async throws {
        let store = try SQLiteStore.temporary()
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
        // The connection is as good as new.
        for _ in 0..<SQLiteStore.readersMax * 2 {
            #expect(try await store.read { try $0.head() } == .start)
        }
        try await store.close()
    }

    @Test func readEndsWhenItsTimeIsOver() async throws {
        let store = try SQLiteStore.temporary()
        for _ in 0..<SQLiteStore.readersMax * 2 {
            await #expect {
                try await store.read(timeMax: .milliseconds(20)) { reader in
                    try reader.select(Self.endless) { _ in true }
                }
            } throws: { ($0 as? StoreError)?.code == .timedOut }
            // The connection has no deadline any more.
            #expect(try await store.read { try $0.head() } == .start)
        }
        #expect(try await store.read(timeMax: .seconds(60)) { try $0.head() } == .start)
        try await store.close()
    }

    /// SQLite forgets an interruption that comes when no statement runs: the next one must not run for ever.
    @Test func readCancelledBetweenItsStatementsEnds() async throws {
        let store = try SQLiteStore.temporary()
        let begun = Begun()
        let goOn = DispatchSemaphore(value: 0)
        let read = Task {
            try await store.read { reader in
                _ = try reader.head()
                begun.add()
                goOn.wait()
                try reader.select(Self.endless) { _ in true }
            }
        }
        try await poll("the read") { begun.count == 1 }
        read.cancel()
        goOn.signal()
        await #expect(throws: CancellationError.self) { try await read.value }
        #expect(try await store.read { try $0.head() } == .start)
        try await store.close()
    }

    @Test func readThatWaitsForAThreadCanBeCancelled() async throws {
        let store = try SQLiteStore.temporary()
        let running = Begun()
        let busy = (0..<SQLiteStore.readersMax).map { _ in
            Task {
                try await store.read { reader in
                    running.add()
                    try reader.select(Self.endless) { _ in true }
                }
            }
        }
        // They never end by themselves.
        defer { for task in busy { task.cancel() } }
        try await poll("all readers") { running.count == busy.count }
        let late = Begun()
        let waiting = Task {
            try await store.read { _ in late.add() }
        }
        waiting.cancel()
        for task in busy { task.cancel() }
        await #expect(throws: CancellationError.self) { try await waiting.value }
        for task in busy { await #expect(throws: CancellationError.self) { try await task.value } }
        #expect(late.count == 0)
        try await store.close()
    }

    /// What the body threw comes out as it is, and the snapshot is over.
    @Test func errorOfTheBodyEndsTheSnapshot() async throws {
        struct Mine: Error {}
        let store = try SQLiteStore.temporary()
        for _ in 0..<SQLiteStore.readersMax * 2 {
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
}
