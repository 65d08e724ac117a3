@testable import SOQL
import Testing

/// What planning refuses before a database has to.
@Suite struct PlanningTests {
    /// One object of a thousand fields, each record with a parent of the same kind.
    private struct WideSchema: QuerySchema {
        static let fieldCount = 1_000

        func object(named name: String) -> QueryObject? {
            guard name.lowercased() == "wide" else { return nil }
            return QueryObject(
                name: "Wide", keyPrefix: "a00", table: "\"wide\"",
                fields: (0..<Self.fieldCount).map {
                    QueryField(name: "F\($0)", type: .text, source: .column("\"f\($0)\""))
                } + [QueryField(name: "ParentId", type: .identifier, source: .column("\"parentid\""))],
                parents: [ParentRelationship(name: "Parent", field: "ParentId", targets: ["Wide"])], children: [])
        }
    }

    private func plan(ownFields: Int, parentFields: Int) throws -> QueryPlan {
        let names = (0..<ownFields).map { "F\($0)" } + (0..<parentFields).map { "Parent.F\($0)" }
        return try QueryPlanner.plan(
            try Query("SELECT \(names.joined(separator: ",")) FROM Wide"), schema: WideSchema(), includesDeleted: false,
            now: 0)
    }

    /// SQLite takes 2,000 columns; the row, its id and its parent's id are three of them.
    @Test func columnsAreBounded() throws {
        #expect(try plan(ownFields: 1_000, parentFields: 997).columns.count == 2_000)
        let error = #expect(throws: QueryError.self) { try plan(ownFields: 1_000, parentFields: 998) }
        #expect(error?.code == .tooComplicated)
    }
}
