import ChangeEvents
import Foundation
@testable import Store
import TestSupport
import Testing

extension PostgresDatabase {
    /// Ends sessions of the database from outside, as an administrator or a failing server does.
    func endSessions(_ condition: String = "true") throws {
        try run(
            """
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND \(condition)
            """)
    }

    /// The one that holds the writer's lock.
    static let writerCondition = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"

    func sessionCount() throws -> Int {
        Int(
            try run(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))
            ?? 0
    }
}

/// Sessions that end when they should not: what happened is known, and nothing happens twice.
@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
struct PostgresLossTests {
    @Test(arguments: [CuttingProxy.Cut.before, .after, .halfOpen])
    func commitWhoseAnswerIsLostIsAskedAbout(_ cut: CuttingProxy.Cut) async throws {
        let database = try PostgresDatabase()
        try await PostgresStore.open(database.url).close()
        let proxy = try CuttingProxy(to: database.server.port)
        defer { proxy.end() }
        let store = try await PostgresStore.open(database.url(port: proxy.port))
        proxy.cut(at: "COMMIT", cut)
        if case .before = cut {
            await #expect {
                try await store.append(1...3)
            } throws: { error in
                guard let error = error as? StoreError else { return false }
                return error.code == .disconnected && error.message.contains("did not happen")
            }
        } else {
            try await store.append(1...3)
        }
        #expect(proxy.cuts == 1)
        let expected: Int64 = if case .before = cut { 0 } else { 3 }
        #expect(try await store.read { try $0.head() } == Position(rawValue: expected))
        // The next transaction has a session again, and with it the lock.
        let next = try await store.write { try $0.append(.test(9)).position }
        #expect(next == Position(rawValue: expected + 1))
        #expect(try await store.verify().events == Int(expected) + 1)
        try await store.close()
    }

    /// Whether the commit or the end of the session came first, the server knows; what is said of it is true.
    @Test func commitThatTheServerHasNotAnsweredIsToldAsItWas() async throws {
        for _ in 0..<5 {
            let database = try PostgresDatabase()
            try await PostgresStore.open(database.url).close()
            let proxy = try CuttingProxy(to: database.server.port)
            defer { proxy.end() }
            let store = try await PostgresStore.open(database.url(port: proxy.port))
            proxy.cut(at: "COMMIT", .during)
            var expected: Int64 = 3
            do {
                try await store.append(1...3)
            } catch let error as StoreError where error.code == .disconnected {
                expected = 0
            }
            #expect(proxy.cuts == 1)
            #expect(try await store.read { try $0.head() } == Position(rawValue: expected))
            #expect(try await store.write { try $0.append(.test(9)).position } == Position(rawValue: expected + 1))
            try await store.close()
        }
    }

    @Test func connectionLostInTheMiddleOfATransactionUndoesIt() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.append([1])
        await #expect {
            try await store.write { writer in
                _ = try writer.append(.test(2))
                _ = try writer.state("k")
                try database.endSessions()
                // Queued: nothing of it is noticed before the commit.
                try writer.put(.test(2))
                try writer.setState("k", to: [2])
            }
        } throws: { ($0 as? StoreError)?.code == .disconnected }
        #expect(try await store.everything().count == 1)
        try await store.append([2])
        // A body that notices, and goes on all the same.
        await #expect {
            try await store.write { writer in
                try database.endSessions()
                for number in 3...1_000 { _ = try? writer.append(.test(number)) }
            }
        } throws: { ($0 as? StoreError)?.code == .disconnected }
        // In a part as well.
        await #expect {
            try await store.write { writer in
                _ = try writer.part {
                    try database.endSessions()
                    _ = try writer.append(.test(3))
                }
            }
        } throws: { ($0 as? StoreError)?.code == .disconnected }
        #expect(try await store.everything().count == 2)
        try await store.close()
    }

    @Test func sessionsLostWhileIdleAreReplaced() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { try $0.define(.testCase) }
        try await store.append([1])
        _ = try await store.everything()
        try database.endSessions()
        // The writer sees it before it begins.
        try await store.append([2])
        try await store.write { try $0.put(.test(1)) }
        // So does a read.
        #expect(try await store.everything().count == 2)
        #expect(try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) } == .test(1))
        try await store.close()
    }

    @Test func serverThatIsAwayIsSaid() async throws {
        let database = try PostgresDatabase()
        let proxy = try CuttingProxy(to: database.server.port)
        let store = try await PostgresStore.open(database.url(port: proxy.port))
        try await store.append([1])
        proxy.end()
        for _ in 0..<2 {
            await #expect {
                try await store.append([2])
            } throws: { ($0 as? StoreError)?.code == .disconnected }
            await #expect {
                try await store.everything()
            } throws: { ($0 as? StoreError)?.code == .disconnected }
        }
        try await store.close()
    }
}

/// One writer per database.
@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
struct PostgresLockTests {
    @Test func secondStoreOnTheSameDatabaseIsRefused() async throws {
        let database = try PostgresDatabase()
        let first = try await PostgresStore.open(database.url)
        await #expect {
            try await PostgresStore.open(database.url)
        } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.code == .busy && error.message.contains(database.name)
                && error.message.contains("process \(ProcessInfo.processInfo.processIdentifier)")
        }
        // Another database of the server is another matter.
        let other = try PostgresDatabase()
        try await PostgresStore.open(other.url).close()
        try await first.close()
        try await PostgresStore.open(database.url).close()
    }

    @Test func standbyTakesOverWhereTheOtherEnds() async throws {
        let database = try PostgresDatabase()
        let first = try await PostgresStore.open(database.url)
        try await first.append(1...3)
        let standby = Task { try await PostgresStore.open(database.url, whenLocked: .wait) }
        defer { standby.cancel() }
        try await poll("the standby") { try database.sessionCount() == 2 }
        try await first.close()
        let second = try await standby.value
        try await second.append(4...6)
        #expect(try await second.everything().map(\.position.rawValue) == Array(1...6))
        try await second.close()
    }

    /// No split brain: whoever has lost its session and finds another in its place writes no more.
    @Test func writerWhoseSessionWasLostToAStandbyWritesNoMore() async throws {
        let database = try PostgresDatabase()
        let first = try await PostgresStore.open(database.url)
        try await first.append(1...3)
        let standby = Task { try await PostgresStore.open(database.url, whenLocked: .wait) }
        defer { standby.cancel() }
        try await poll("the standby") { try database.sessionCount() == 2 }
        try database.endSessions(PostgresDatabase.writerCondition)
        let second = try await standby.value
        try await second.append([4])
        await #expect {
            try await first.append([5])
        } throws: { ($0 as? StoreError)?.code == .superseded }
        #expect(try await first.everything().count == 4)
        // Nor when the other has gone: what it wrote is not known here.
        try await second.close()
        await #expect {
            try await first.append([5])
        } throws: { ($0 as? StoreError)?.code == .superseded }
        #expect(try await first.everything().count == 4)
        try await first.close()
    }

    /// The epoch is compared in each transaction too, whatever became of the lock.
    @Test func transactionOfAnotherEpochIsRefused() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.append([1])
        try database.run("UPDATE millrace.log_summary SET epoch = epoch + 1")
        await #expect {
            try await store.append([2])
        } throws: { ($0 as? StoreError)?.code == .superseded }
        await #expect {
            try await store.write { try $0.setState("k", to: [1]) }
        } throws: { ($0 as? StoreError)?.code == .superseded }
        #expect(try await store.read { try $0.state("k") } == nil)
        try await store.close()
    }

    @Test func waitingOfAStandbyCanBeCancelled() async throws {
        let database = try PostgresDatabase()
        let first = try await PostgresStore.open(database.url)
        let standby = Task { try await PostgresStore.open(database.url, whenLocked: .wait) }
        try await poll("the standby") { try database.sessionCount() == 2 }
        standby.cancel()
        await #expect(throws: CancellationError.self) { try await standby.value }
        try await first.append([1])
        try await first.close()
    }
}
