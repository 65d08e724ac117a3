import ChangeEvents
import Foundation
import GRDB
@testable import Store
import TestSupport
import Testing

@Suite struct SQLiteStoreTests {
    @Test(arguments: StoreCheck.all)
    func behavesLikeAStore(_ check: StoreCheck) async throws {
        let store = try SQLiteStore.temporary()
        try await check.run(store)
        try await store.close()
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let directory = try TemporaryDirectory()
        let first = try SQLiteStore(path: directory.file("s.sqlite"))
        try await first.append(1...20)
        try await first.write { writer in
            try writer.put(.test(1))
            try writer.setCursor(topic: "t", to: ReplayID(counter: 99))
        }
        let before = try await first.everything().map(\.parts)
        try await first.close()
        let second = try SQLiteStore(path: directory.file("s.sqlite"))
        #expect(try await second.everything().map(\.parts) == before)
        #expect(try await second.read { try $0.record(entity: "Case", id: .test("500", 1)) } == .test(1))
        #expect(
            try await second.read { try $0.place(of: ReplayID(counter: 99), topic: nil) }
                == .after(Position(rawValue: 20)))
        #expect(try await second.verify() == SQLiteStore.Verification(events: 20, records: 1))
        try await second.close()
    }

    @Test func secondStoreOnTheSameFileIsRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        let first = try SQLiteStore(path: path)
        #expect { try SQLiteStore(path: path) } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.code == .busy && error.message.contains(path)
                && error.message.contains("\(ProcessInfo.processInfo.processIdentifier)")
        }
        try await first.close()
        try await SQLiteStore(path: path).close()
    }

    @Test func fileThatIsNoDatabaseIsRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: path))
        #expect { try SQLiteStore(path: path) } throws: { ($0 as? StoreError)?.code == .corrupt }
        #expect { try SQLiteStore(path: directory.file("no/such/folder/s.sqlite")) } throws: {
            ($0 as? StoreError)?.code == .database
        }
    }

    @Test func databaseOfANewerVersionIsRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        try await SQLiteStore(path: path).close()
        try await DatabaseQueue(path: path).write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 future')")
        }
        #expect { try SQLiteStore(path: path) } throws: {
            ($0 as? StoreError)?.message.contains("newer version") == true
        }
    }

    @Test func stateOfAnOlderVersionIsKept() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        let queue = try DatabaseQueue(path: path)
        try SQLiteSchema.migrator.migrate(queue, upTo: "2 tables of objects")
        try await queue.write {
            try $0.execute(sql: "INSERT INTO state VALUES ('long', zeroblob(100000)), ('short', x'07')")
        }
        try queue.close()
        let store = try SQLiteStore(path: path)
        try await store.write { try $0.setState("short", to: [8]) }
        let (long, short, none) = try await store.read {
            (try $0.state("long")?.count, try $0.state("short"), try $0.state("none"))
        }
        #expect(long == 100_000)
        #expect(short == [8])
        #expect(none == nil)
        try await store.close()
    }

    /// The index is there, whichever version made the table.
    @Test func tablesOfAnOlderVersionTellWhatIsToBeRefetched() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        let layout = TableLayout(.testCase)
        var store = try SQLiteStore(path: path)
        try await store.write { try $0.define(.testCase) }
        try await store.pool.write {
            try $0.execute(
                sql: "\(layout.dropRefetchIndexSQL); DELETE FROM grdb_migrations WHERE identifier LIKE '5 %'")
        }
        try await store.close()
        store = try SQLiteStore(path: path)
        let plan = try await store.pool.read {
            try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN \(layout.refetchSQL)", arguments: ["", 1])
                .map { $0["detail"] as String }
        }
        #expect(plan.count == 1 && plan[0].contains("USING INDEX \(layout.table.sqlName)__needs_refetch"), "\(plan)")
        try await store.close()
    }

    /// What it has declared stays declared, and the table of gaps begins.
    @Test func gapsOfAnOlderVersionAreKept() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        let queue = try DatabaseQueue(path: path)
        try SQLiteSchema.migrator.migrate(queue, upTo: "5 what is to be refetched, in tables of objects")
        try await queue.write { database in
            try RowChecksum.add(to: database)
            try database.execute(
                sql: """
                    INSERT INTO gaps (position, topic, reason, declared_at, checksum)
                    VALUES (0, '/data/x', 'lost', 5, row_checksum('gaps', 0, '/data/x', 'lost', 5));
                    INSERT INTO state VALUES ('k', x'07', row_checksum('state', 'k', x'07'));
                    """)
        }
        try queue.close()
        let store = try SQLiteStore(path: path)
        let (gaps, state, entries) = try await store.read {
            (try $0.gaps(in: .start ... .start), try $0.state("k"), try $0.gapEntries(.all, limit: 10))
        }
        #expect(gaps == [Gap(topic: "/data/x", position: .start, reason: "lost", declaredAt: 5)])
        #expect(state == [7])
        #expect(entries.isEmpty)
        try await store.write { _ = try $0.enter(.test(1)) }
        _ = try await store.verify()
        let report = try await store.pool.read {
            try String.fetchAll(
                $0, sql: "SELECT standing || ' ' || object || ' ' || declared || ifnull(mended, '') FROM gap_report")
        }
        #expect(report == ["open Case 1970-01-01T00:00:00Z"])
        try await store.close()
    }

    @Test(arguments: [(SQLiteStore.Durability.full, 2), (.normal, 1)])
    func durabilityIsWhatWasAskedFor(_ durability: SQLiteStore.Durability, level: Int) async throws {
        let directory = try TemporaryDirectory()
        let store = try SQLiteStore(path: directory.file("s.sqlite"), durability: durability)
        let (synchronous, mode, vacuum) = try await store.pool.writeWithoutTransaction { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try Int.fetchOne(database, sql: "PRAGMA auto_vacuum")
            )
        }
        #expect(synchronous == level)
        #expect(mode == "wal")
        #expect(vacuum == 2)
        try await store.close()
    }

    /// A body that swallows an error must not commit the half that worked.
    @Test func swallowedFailureStillRollsBack() async throws {
        let store = try SQLiteStore.temporary()
        try await store.append([1])
        try await store.pool.write {
            try $0.execute(sql: "CREATE TRIGGER no BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'no'); END")
        }
        await #expect {
            try await store.write { writer in
                _ = try writer.append(.test(2))
                do { try writer.setState("k", to: [1]) } catch { return }
            }
        } throws: { ($0 as? StoreError)?.code == .database }
        #expect(try await store.everything().count == 1)
        try await store.close()
    }

    @Test func fullDiskIsSaidAndChangesNothing() async throws {
        let store = try SQLiteStore.temporary()
        try await store.append(1...3)
        let pages = try await store.pool.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        // SQLite answers SQLITE_FULL for its own bound of the file's size as it does for a full disk.
        try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 4)") }
        await #expect {
            try await store.write { writer in
                for number in 4...200 { _ = try writer.append(.test(number, payloadBytes: 4_000)) }
            }
        } throws: { ($0 as? StoreError)?.code == .full }
        #expect(try await store.everything().count == 3)
        try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
        try await store.append([4])
        #expect(try await store.verify().events == 4)
        try await store.close()
    }

    @Test func readersSeeTheirSnapshotAndDoNotBlockTheWriter() async throws {
        let store = try SQLiteStore.temporary()
        try await store.append(1...5)
        let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
        let written = DispatchSemaphore(value: 0)
        async let counts: (Int, Int) = store.read { reader in
            let before = try reader.events(after: .start, selection: .all, limit: 100, bytesMax: .max).count
            beginning.finish()
            // The writer commits while this read is open; the reader waits for it on its own thread.
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

    @Test func trimmingGivesPagesBack() async throws {
        let store = try SQLiteStore.temporary()
        for start in stride(from: 1, to: 4_000, by: 500) {
            try await store.write { writer in
                for number in start..<start + 500 { _ = try writer.append(.test(number, payloadBytes: 6_000)) }
            }
        }
        func pages() async throws -> Int {
            try await store.pool.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        }
        let full = try await pages()
        #expect(try await store.trimAll(olderThan: .max) == 4_000)
        for _ in 0..<10 { _ = try await store.write { try $0.trim(olderThan: .max, bytesMax: nil) } }
        #expect(try await pages() < full / 2)
        #expect(try await store.verify().events == 0)
        try await store.close()
    }

    @Test func oneTrimDoesBoundedWork() async throws {
        let store = try SQLiteStore.temporary()
        try await store.append(1...SQLiteStore.trimmedEventsPerTransactionMax + 10)
        let dropped = try await store.write { try $0.trim(olderThan: .max, bytesMax: nil) }
        #expect(dropped == SQLiteStore.trimmedEventsPerTransactionMax)
        #expect(try await store.trimAll(olderThan: .max) == 10)
        try await store.close()
    }
}
