import ChangeEvents
import Foundation
@testable import Store
import TestSupport
import Testing

@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
struct PostgresStoreTests {
    @Test(arguments: StoreCheck.all)
    func behavesLikeAStore(_ check: StoreCheck) async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await check.run(store)
        try await store.close()
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let database = try PostgresDatabase()
        let first = try await PostgresStore.open(database.url)
        try await first.append(1...20)
        try await first.write { writer in
            try writer.put(.test(1))
            try writer.define(.indexedTask)
            try writer.put(.test(2, entity: "Task"))
            try writer.setCursor(topic: "t", to: ReplayID(counter: 99))
            try writer.setState("k", to: [1])
            try writer.saveSchema(SchemaID("s"), json: "{}")
            try writer.declare(Gap(topic: "t", position: .start, reason: "r", declaredAt: 1))
        }
        let before = try await first.everything().map(\.parts)
        try await first.close()
        let second = try await PostgresStore.open(database.url)
        #expect(try await second.everything().map(\.parts) == before)
        #expect(try await second.read { try $0.record(entity: "Case", id: .test("500", 1)) } == .test(1))
        #expect(try await second.read { try $0.objectTable("Task") } == .indexedTask)
        #expect(
            try await second.read { try $0.record(entity: "Task", id: .test("500", 2)) } == .test(2, entity: "Task"))
        #expect(try await second.verify() == PostgresStore.Verification(events: 20, records: 2))
        try await second.close()
    }

    /// Heroku Connect's `timestamp`, in UTC, whatever the time zone of the database; and a column that somebody has changed.
    @Test func timestampsOfBothTypesAreReadAndWrittenAlike() async throws {
        let database = try PostgresDatabase()
        try database.run("ALTER DATABASE \(database.name) SET TimeZone = 'Asia/Tokyo'")
        func type() throws -> String {
            try database.run(
                """
                SELECT data_type FROM information_schema.columns
                WHERE table_name = 'thing__c' AND column_name = 'instant'
                """)
        }
        @Sendable func record(_ number: Int) -> StoredRecord {
            let fields: RecordFields = ["Instant": .dateTime(milliseconds: 1_732_233_600_000 + Int64(number))]
            return StoredRecord(
                image: RecordImage(entity: "Thing__c", id: .test("a00", number), fields: fields, isComplete: true),
                isDeleted: false, commitTimestamp: 1, needsRefetch: false)
        }
        let table = ObjectTable(entity: "Thing__c", columns: [.init("Instant", .dateTime, isIndexed: true)])
        let first = try await PostgresStore.open(database.url, timestamps: .withoutTimeZone)
        try await first.write { writer in
            try writer.define(table)
            try writer.put(record(1))
            try writer.load([record(2)])
        }
        #expect(try type() == "timestamp without time zone")
        #expect(
            try database.run("SELECT instant FROM salesforce.thing__c ORDER BY sfid LIMIT 1")
                == "2024-11-22 00:00:00.001")
        try await first.close()
        // Columns that are there stay as they are.
        let second = try await PostgresStore.open(database.url)
        try await second.write { try $0.put(record(3)) }
        try await second.close()
        try database.run(
            "ALTER TABLE salesforce.thing__c ALTER instant TYPE timestamptz USING instant AT TIME ZONE 'UTC'")
        #expect(try type() == "timestamp with time zone")
        let third = try await PostgresStore.open(database.url, timestamps: .withoutTimeZone)
        try await third.write { try $0.put(record(4)) }
        let records = try await third.read { try $0.records(entity: "Thing__c", after: nil, limit: 10) }
        #expect(records == (1...4).map(record))
        let found = try await third.read {
            try $0.records(
                entity: "Thing__c", where: "Instant", is: .dateTime(milliseconds: 1_732_233_600_002), limit: 10)
        }
        #expect(found == [record(2)])
        try await third.close()
    }

    /// What it has declared stays declared, and the table of gaps begins.
    @Test func gapsOfAnOlderVersionAreKept() async throws {
        let database = try PostgresDatabase()
        try PostgresSchema.migrate(PostgresConnection(PostgresAddress(database.url), name: "older"), upTo: 1)
        let gap = Gap(topic: "/data/x", position: .start, reason: "lost", declaredAt: 5)
        try database.run(
            """
            INSERT INTO millrace.gaps (position, topic, reason, declared_at, checksum)
            VALUES (0, '/data/x', 'lost', 5, \(PostgresRowChecksum.gap(gap)))
            """)
        let store = try await PostgresStore.open(database.url)
        let (gaps, entries) = try await store.read {
            (try $0.gaps(in: .start ... .start), try $0.gapEntries(.all, limit: 10))
        }
        #expect(gaps == [gap])
        #expect(entries.isEmpty)
        try await store.write { _ = try $0.enter(.test(1)) }
        _ = try await store.verify()
        try await store.close()
        #expect(
            try database.run(
                "SELECT standing, object, mended, extract(epoch FROM declared) * 1000 FROM millrace.gap_report"
            )
            .hasPrefix("open|Case||100"))
    }

    @Test func databaseOfANewerVersionIsRefused() async throws {
        let database = try PostgresDatabase()
        try await PostgresStore.open(database.url).close()
        try database.run("INSERT INTO millrace.migrations (version) VALUES (99)")
        await #expect {
            try await PostgresStore.open(database.url)
        } throws: {
            ($0 as? StoreError)?.message.contains("newer version") == true
        }
    }

    /// Whatever goes wrong with the address, the password is not in what is said.
    @Test func passwordIsInNoError() async throws {
        let urls = [
            "postgres://me:hidden-word@127.0.0.1:1/none", "postgres://me:hidden-word@127.0.0.1:none/x y?bad",
            "host=127.0.0.1 port=1 password=hidden-word nonsense", "postgres://me:hidden-word@nowhere.invalid/db",
            "hidden-word",
        ]
        for url in urls {
            await #expect {
                try await PostgresStore.open(url)
            } throws: { error in
                guard let error = error as? StoreError else { return false }
                return !"\(error)\(String(reflecting: error))".contains("hidden-word")
            }
        }
        let database = try PostgresDatabase()
        await #expect {
            try await PostgresStore.open(database.url.replacing("/test_", with: "/missing_"))
        } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.message.contains("missing_") && !String(reflecting: error).contains("not-a-secret")
        }
    }

    @Test func damageIsAnErrorThatNamesTheEvent() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.append(1...5)
        let columns = [
            "topic = topic || 'x'", "event_name = ''", "received_at = received_at + 1", "replay_id = '\\x00'",
            "commit_number = commit_number + 1", "header = NULL", "transitions = NULL", "payload = payload || '\\x00'",
            "entity = NULL", "stored_bytes = 7", "checksum = checksum + 1", "transaction_key = E'\\x10'",
        ]
        for column in columns {
            try database.run("CREATE TABLE kept AS SELECT * FROM millrace.log WHERE position = 3")
            try database.run("UPDATE millrace.log SET \(column) WHERE position = 3")
            await #expect("\(column)") {
                try await store.everything()
            } throws: { ($0 as? StoreError)?.code == .corrupt && ($0 as? StoreError)?.position?.rawValue == 3 }
            await #expect(throws: StoreError.self) { try await store.verify() }
            try database.run(
                "DELETE FROM millrace.log WHERE position = 3; INSERT INTO millrace.log SELECT * FROM kept; DROP TABLE kept"
            )
            #expect(try await store.everything().count == 5)
        }
        try database.run("DELETE FROM millrace.log WHERE position = 2")
        await #expect {
            try await store.everything()
        } throws: { ($0 as? StoreError)?.code == .corrupt && ($0 as? StoreError)?.position?.rawValue == 2 }
        try await store.close()
    }

    @Test func damageBesideTheLogIsAnError() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            try writer.put(.test(1))
            try writer.setCursor(topic: "t", to: ReplayID(counter: 9))
            try writer.setState("k", to: [1])
            try writer.saveSchema(SchemaID("s"), json: "{}")
            try writer.declare(Gap(topic: "t", position: .start, reason: "r", declaredAt: 1))
        }
        try database.run(
            """
            UPDATE millrace.records SET commit_timestamp = 1; UPDATE millrace.cursors SET replay_id = '\\x01';
            UPDATE millrace.state SET value = '\\x02'; UPDATE millrace.schemas SET json = '[]';
            UPDATE millrace.gaps SET reason = 'x'; UPDATE millrace.places SET position = position + 1
            """)
        let reads: [@Sendable (any StoreReader) throws -> Void] = [
            { _ = try $0.record(entity: "Case", id: .test("500", 1)) }, { _ = try $0.cursor(topic: "t") },
            { _ = try $0.state("k") }, { _ = try $0.schemaJSON(SchemaID("s")) },
            { _ = try $0.gaps(in: Position.start...Position(rawValue: 9)) },
            { _ = try $0.place(of: ReplayID(counter: 9), topic: "t") },
        ]
        for read in reads {
            await #expect { try await store.read(read) } throws: { ($0 as? StoreError)?.code == .corrupt }
        }
        try await store.close()
    }

    /// A body that swallows an error must not commit the half that worked.
    @Test func swallowedFailureStillRollsBack() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.append([1])
        try database.run("ALTER TABLE millrace.state ADD CHECK (key <> 'k')")
        await #expect {
            try await store.write { writer in
                _ = try writer.append(.test(2))
                do {
                    try writer.setState("k", to: [1])
                    _ = try writer.state("k")
                } catch { return }
            }
        } throws: { ($0 as? StoreError)?.code == .database }
        // Nor where nobody has looked.
        await #expect(throws: StoreError.self) { try await store.write { try $0.setState("k", to: [1]) } }
        #expect(try await store.everything().count == 1)
        try await store.append([2])
        try await store.close()
    }

    /// More than what is under way at once, in statements and in bytes.
    @Test func longTransactionsAreWhole() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            for number in 1...3_000 {
                _ = try writer.append(.test(number, payloadBytes: 3_000))
                try writer.put(.test(number % 700))
            }
        }
        #expect(try await store.verify() == PostgresStore.Verification(events: 3_000, records: 700))
        try await store.close()
    }

    @Test func selectBindsWhatItIsGivenAndStopsWhenTold() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        let numbers = try await store.write { writer in
            try writer.define(.testCase)
            for number in 1...900 { try writer.put(.test(number, status: "'; DROP TABLE log; --")) }
            var numbers: [Int64] = []
            let select = RowSelect(
                sql: "SELECT number, '?' FROM salesforce.case WHERE status = ? AND number > ? ORDER BY number",
                parameters: [.string("'; DROP TABLE log; --"), .integer(3)])
            try writer.select(select) { row throws(StoreError) in
                numbers.append(row.integer(0))
                // Another select, inside.
                try writer.select(select) { _ in false }
                return numbers.count < 600
            }
            return numbers
        }
        #expect(numbers == (4...603).map(Int64.init))
        await #expect(throws: StoreError.self) {
            try await store.read { try $0.select(RowSelect(sql: "SELECT nothing FROM nowhere")) { _ in true } }
        }
        try await store.close()
    }
}
