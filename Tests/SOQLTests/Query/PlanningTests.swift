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

    /// One value for each term of the order; without an order there is no place in it.
    @Test(arguments: [("", 1), (" ORDER BY F1", 0), (" ORDER BY F1", 2), (" ORDER BY F1, F2", 1)])
    func aPlaceHasAValueForEachTerm(_ order: String, _ count: Int) throws {
        var query = try Query("SELECT F1 FROM Wide\(order)")
        query.after = Array(repeating: .string("x"), count: count)
        let error = #expect(throws: QueryError.self) {
            try QueryPlanner.plan(query, schema: WideSchema(), includesDeleted: false, now: 0)
        }
        #expect(error?.code == .malformedQuery)
    }

    /// Nulls stand where the order says, so that what is behind a null, or behind a value, depends on it.
    @Test(arguments: [
        ("ASC NULLS FIRST", true, "\"f1\" > ?1"), ("DESC NULLS FIRST", true, "\"f1\" < ?1"),
        ("ASC NULLS LAST", true, "(t0.\"f1\" > ?1 OR t0.\"f1\" IS NULL)"),
        ("DESC NULLS LAST", true, "(t0.\"f1\" < ?1 OR t0.\"f1\" IS NULL)"),
        ("ASC NULLS FIRST", false, "\"f1\" IS NOT NULL"), ("DESC NULLS LAST", false, "AND 0"),
    ])
    func whatIsBehindAPlaceKnowsWhereNullsStand(_ order: String, _ hasValue: Bool, _ condition: String) throws {
        var query = try Query("SELECT F1 FROM Wide ORDER BY F1 \(order)")
        query.after = [hasValue ? .string("x") : .null]
        let plan = try QueryPlanner.plan(query, schema: WideSchema(), includesDeleted: false, now: 0)
        #expect(plan.condition.contains(condition), "\(plan.condition)")
        let parameters: [Value] = hasValue ? [.string("x")] : []
        #expect(plan.parameters == parameters)
    }

    /// SQLite takes 2,000 columns; the row, its id and its parent's id are three of them.
    @Test func columnsAreBounded() throws {
        #expect(try plan(ownFields: 1_000, parentFields: 997).columns.count == 2_000)
        let error = #expect(throws: QueryError.self) { try plan(ownFields: 1_000, parentFields: 998) }
        #expect(error?.code == .tooComplicated)
    }
}
