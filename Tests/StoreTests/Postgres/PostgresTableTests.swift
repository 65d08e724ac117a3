import ChangeEvents
@testable import Store
import TestSupport
import Testing

/// The tables of objects as other programs see them.
@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))
struct PostgresTableTests {
    @Test func tableIsThatOfHerokuConnect() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { try $0.define(.typed) }
        let columns = try database.run(
            """
            SELECT column_name, data_type, character_maximum_length, collation_name FROM information_schema.columns
            WHERE table_schema = 'salesforce' AND table_name = 'thing__c' ORDER BY ordinal_position
            """)
        #expect(
            columns.split(separator: "\n").map(String.init) == [
                "id|integer||", "sfid|character varying|18|C", "isdeleted|boolean||", "_needs_refetch|boolean||",
                "_commit_timestamp|bigint||", "_rest|bytea||", "_hc_lastop|character varying|32|", "_hc_err|text||",
                "text|text||", "owner|character varying|18|C", "flag|boolean||", "whole|bigint||", "broken|numeric||",
                "day|date||", "instant|timestamp with time zone||", "clock|time without time zone||",
            ])
        let indexes = try database.run(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'salesforce' ORDER BY indexname")
        #expect(
            indexes.split(separator: "\n").map(String.init) == [
                "hc_idx_thing__c__needs_refetch", "hc_idx_thing__c_instant", "hc_idx_thing__c_owner",
                "hc_idx_thing__c_whole", "hcu_idx_thing__c_sfid", "thing__c_pkey",
            ])
        try await store.close()
    }

    @Test func valuesAreWhatOtherProgramsExpect() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        let record = StoredRecord(
            image: RecordImage(
                entity: "Thing__c", id: .test("a00", 1),
                fields: [
                    "IsDeleted": .boolean(false), "Text": .string("Ünïcode 🚲"), "Owner": .string("005000000000001AAA"),
                    "Flag": .boolean(true), "Whole": .integer(-42), "Broken": .double(0.1),
                    "Day": .date(milliseconds: 1_709_164_800_000),
                    "Instant": .dateTime(milliseconds: 1_709_210_096_789), "Clock": .time(milliseconds: 45_296_789),
                ], isComplete: true), isDeleted: false, commitTimestamp: 5, needsRefetch: false)
        let twin = StoredRecord(
            image: RecordImage(
                entity: "Thing__c", id: .test("a00", 2), fields: record.image.fields, isComplete: true),
            isDeleted: false, commitTimestamp: 5, needsRefetch: false)
        try await store.write { writer in
            try writer.define(.typed)
            try writer.put(record)
            try writer.load([twin])
        }
        let rows = try database.run(
            """
            SET timezone = 'UTC';
            SELECT id, isdeleted, text, owner, flag, whole, broken, day, instant, clock, _hc_lastop, _rest
            FROM salesforce.thing__c ORDER BY id
            """)
        let values =
            "f|Ünïcode 🚲|005000000000001AAA|t|-42|0.1|2024-02-29|2024-02-29 12:34:56.789+00|12:34:56.789|SYNCED|"
        #expect(rows == "1|\(values)\n2|\(values)")
        // An update takes no number of the row.
        for _ in 0..<5 { try await store.write { try $0.put(record) } }
        try await store.write { writer in
            var third = record
            third.image.id = .test("a00", 3)
            try writer.put(third)
        }
        #expect(try database.run("SELECT max(id) FROM salesforce.thing__c") == "3")
        try await store.close()
    }

    @Test func columnsAndIndexesOfTheUsersOwnAreLeftAlone() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            try writer.define(.testCase)
            for number in 1...3 { try writer.put(.test(number)) }
        }
        try database.run(
            """
            ALTER TABLE salesforce.case ADD COLUMN mine text DEFAULT 'kept';
            CREATE INDEX my_index ON salesforce.case (number, mine);
            INSERT INTO salesforce.case (status, number, mine) VALUES ('New', 77, 'a row without a record id')
            """)
        var table = ObjectTable.testCase
        table.columns.append(.init("Extra__c", .double, isIndexed: true))
        table.columns[0].isIndexed = false
        let wider = table
        try await store.write { try $0.define(wider) }
        // A column of another type is made anew; nothing else is.
        table.columns[0].type = .identifier
        let retyped = table
        try await store.write { try $0.define(retyped) }
        table.columns.removeLast()
        let narrower = table
        try await store.write { writer in
            try writer.define(narrower)
            try writer.put(.test(1, status: "Closed"))
            try writer.load([.test(4)])
        }
        #expect(
            try database.run("SELECT number, mine FROM salesforce.case ORDER BY number")
                == "1|kept\n2|kept\n3|kept\n4|kept\n77|a row without a record id")
        #expect(try database.run("SELECT count(*) FROM pg_indexes WHERE indexname = 'my_index'") == "1")
        // The application's row is none of Salesforce's.
        let records = try await store.read { try $0.records(entity: "Case", after: nil, limit: 9) }
        #expect(records == [.test(1, status: "Closed"), .test(2), .test(3), .test(4)])
        let marked = try await store.write { try $0.markForRefetch(entity: "Case") }
        #expect(marked == 4)
        let columns = try database.run(
            "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns "
                + "WHERE table_name = 'case' AND table_schema = 'salesforce'")
        #expect(columns.hasSuffix("_hc_lastop _hc_err number mine status"))
        try await store.close()
    }

    /// A table that is there and not ours is not touched, and no column of the user's is taken over.
    @Test func namesThatAreTakenAreRefused() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try database.run("CREATE TABLE salesforce.task (mine text)")
        await #expect {
            try await store.write { try $0.define(.testTask) }
        } throws: { ($0 as? StoreError)?.message.contains("already exists") == true }
        try await store.write { try $0.define(.testCase) }
        try database.run("ALTER TABLE salesforce.case ADD COLUMN extra__c text")
        var table = ObjectTable.testCase
        table.columns.append(.init("Extra__c", .double))
        let wider = table
        await #expect {
            try await store.write { try $0.define(wider) }
        } throws: { ($0 as? StoreError)?.message.contains("already exists") == true }
        #expect(try await store.read { try $0.objectTable("Case") } == .testCase)
        let long = ObjectTable(entity: "Case", columns: [.init(String(repeating: "a", count: 64), .text)])
        await #expect(throws: StoreError.self) { try await store.write { try $0.define(long) } }
        try await store.close()
    }

    @Test func indexServesTextComparison() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            try writer.define(.testCase)
            try writer.load((1...5_000).map { .test($0, status: "Ä\($0)") })
            // Longer than an entry of an index may be.
            try writer.put(.test(5_001, status: String(repeating: "ß", count: 9_000)))
        }
        try database.run("ANALYZE salesforce.case")
        let layout = PostgresLayout(.testCase)
        let condition = layout.condition(layout.columns[0]).replacing("$1", with: "'x'")
        let plan = try database.run("EXPLAIN SELECT * FROM salesforce.case WHERE \(condition)")
        #expect(plan.contains("hc_idx_case_status"), "\(plan)")
        let found = try await store.read { reader in
            (
                try reader.records(entity: "Case", where: "Status", is: .string("ä4999"), limit: 9),
                try reader.records(
                    entity: "Case", where: "Status", is: .string(String(repeating: "ß", count: 9_000)), limit: 9
                ).count,
                try reader.records(
                    entity: "Case", where: "Status", is: .string(String(repeating: "ß", count: 8_999)), limit: 9
                ).count
            )
        }
        #expect(found.0 == [.test(4_999, status: "Ä4999")])
        #expect(found.1 == 1)
        #expect(found.2 == 0)
        try await store.close()
    }

    /// The function of the database folds every letter as SOQL does.
    @Test func textsFoldAsInSOQL() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        var capitals = ""
        for number in UInt32(1)..<0x1_F000 {
            guard let scalar = Unicode.Scalar(number) else { continue }
            if scalar.properties.lowercaseMapping != String(scalar) { capitals.unicodeScalars.append(scalar) }
        }
        let smalls = capitals.unicodeScalars.map(\.properties.lowercaseMapping).joined()
        let select = RowSelect(
            sql: "SELECT millrace.soql_fold(?) COLLATE \"C\" = ?", parameters: [.string(capitals), .string(smalls)])
        let isSame = try await store.read { reader in
            var isSame = false
            try reader.select(select) { row in
                isSame = row.integer(0) == 1
                return true
            }
            return isSame
        }
        #expect(capitals.unicodeScalars.count > 1_000)
        #expect(isSame)
        try await store.close()
    }

    @Test func valueOfAnotherTypeIsReportedAsDamage() async throws {
        let database = try PostgresDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.write { writer in
            try writer.define(.testCase)
            try writer.put(.test(1))
        }
        try database.run("ALTER TABLE salesforce.case ALTER COLUMN number TYPE text")
        await #expect {
            try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) }
        } throws: { ($0 as? StoreError)?.code == .corrupt }
        try await store.close()
    }
}
