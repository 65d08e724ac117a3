import ChangeEvents
import Foundation
import GRDB
@testable import Store
import TestSupport
import Testing

@Suite struct ObjectTableTests {
    @Test func tablesAreThereAfterReopening() async throws {
        let directory = try TemporaryDirectory()
        let first = try SQLiteStore(path: directory.file("s.sqlite"))
        try await first.write { writer in
            try writer.define(.testCase)
            for number in 1...3 { try writer.put(.test(number)) }
        }
        try await first.close()
        let second = try SQLiteStore(path: directory.file("s.sqlite"))
        #expect(try await second.read { try $0.objectTable("Case") } == .testCase)
        let records = try await second.read { try $0.records(entity: "Case", after: nil, limit: 9) }
        #expect(records == [.test(1), .test(2), .test(3)])
        #expect(try await second.verify() == SQLiteStore.Verification(events: 0, records: 3))
        try await second.close()
    }

    /// The index has the collation of the column, so that a text is found without reading the table.
    @Test func indexServesTextComparison() async throws {
        let store = try SQLiteStore.temporary()
        try await store.write { try $0.define(.testCase) }
        let plan = try await store.pool.read { database in
            try Row.fetchAll(
                database, sql: "EXPLAIN QUERY PLAN SELECT * FROM salesforce_case WHERE status = ?", arguments: ["x"]
            ).map { $0["detail"] as String }
        }
        #expect(plan.contains { $0.contains("USING INDEX salesforce_case_status") }, "\(plan)")
        try await store.close()
    }

    @Test func valueOfAnotherTypeIsReportedAsDamage() async throws {
        let store = try SQLiteStore.temporary()
        try await store.write { writer in
            try writer.define(.testCase)
            try writer.put(.test(1))
        }
        try await store.pool.write { try $0.execute(sql: "UPDATE salesforce_case SET number = x'00'") }
        await #expect {
            try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) }
        } throws: { ($0 as? StoreError)?.code == .corrupt }
        await #expect { try await store.verify() } throws: { ($0 as? StoreError)?.code == .corrupt }
        try await store.close()
    }

    @Test func selectBindsWhatItIsGivenAndStopsWhenTold() async throws {
        let store = try SQLiteStore.temporary()
        let numbers = try await store.write { writer in
            try writer.define(.testCase)
            for number in 1...9 { try writer.put(.test(number, status: "'; DROP TABLE log; --")) }
            var numbers: [Int64] = []
            let select = RowSelect(
                sql: "SELECT number FROM salesforce_case WHERE status = ? AND number > ? ORDER BY number",
                parameters: [.string("'; drop table LOG; --"), .integer(3)])
            try writer.select(select) { row in
                numbers.append(row.integer(0))
                return numbers.count < 4
            }
            return numbers
        }
        #expect(numbers == [4, 5, 6, 7])
        try await store.close()
    }
}
