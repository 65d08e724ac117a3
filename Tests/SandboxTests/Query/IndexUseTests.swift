import ChangeEvents
import Doors
import Matching
import SOQL
import Store
import Testing
import Twin

@testable import Sandbox

/// What is asked of an org of a million rows finds its rows by an index: a scan of the table would be seconds.
struct IndexUseTests {
    /// What SQLite says it will do with the object's table, one line per step.
    private func steps(_ soql: String, _ org: TestOrg) async throws -> [String] {
        let schema = org.sandbox.catalogue.querySchema
        var plan = try PlanCache.made(soql, schema: schema, includesDeleted: false, now: 0)
        if let child = plan.children.first { plan = child }
        let select = RowSelect(
            sql: "EXPLAIN QUERY PLAN " + plan.sql, parameters: plan.parameters.map { FieldValue($0) })
        return try await org.sandbox.twin.store.read { reader in
            var steps: [String] = []
            try reader.select(select) { row throws(StoreError) in
                steps.append(try row.text(3))
                return true
            }
            return steps
        }
    }

    @Test(arguments: [
        "SELECT Id, Name, Industry FROM Account WHERE Id = '001000000000001AAA'",
        "SELECT Id FROM Account WHERE Id IN ('001000000000001AAA', '001000000000002AAA')",
        "SELECT Id FROM Account WHERE Name = 'A'", "SELECT Id FROM Account WHERE Name LIKE 'A%'",
        "SELECT Id FROM Account WHERE Name IN ('A', 'B') AND Industry = 'Energy'",
        "SELECT Id, Owner.Username FROM Account WHERE Id = '001000000000001AAA'",
        "SELECT Id FROM Contact WHERE AccountId = '001000000000001AAA'",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id FROM Case WHERE ContactId IN (SELECT Id FROM Contact WHERE AccountId = '001000000000001AAA')",
        "SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01T00:00:00Z AND SystemModstamp < 2026-01-01T00:01:00Z",
        "SELECT Id FROM Case WHERE CaseNumber = '00001000'",
        "SELECT COUNT() FROM Contact WHERE AccountId = '001000000000001AAA'",
    ])
    func rowsAreFoundByAnIndex(soql: String) async throws {
        let org = try await TestOrg.open()
        let steps = try await steps(soql, org)
        #expect(steps.contains { $0.hasPrefix("SEARCH t0") }, "\(steps)")
        #expect(!steps.contains { $0.hasPrefix("SCAN") }, "\(steps)")
    }

    /// The test can fail: a field without an index is scanned for.
    @Test func otherFieldsAreScannedFor() async throws {
        let org = try await TestOrg.open()
        #expect(try await steps("SELECT Id FROM Account WHERE Fax = '1'", org).contains { $0.hasPrefix("SCAN t0") })
    }
}
