@testable import SOQL
import Testing

/// What the text of a query says, before anybody knows the objects.
@Suite struct QueryParsingTests {
    @Test func clausesAreReadInTheirOrder() throws {
        let query = try Query(
            """
            select Id, Owner.Name, toLabel(Status), (SELECT Id FROM Contacts c LIMIT 2) from Case as k USING SCOPE everything
            where k.Status = 'New' with security_enforced group by Status having count(id) > 1
            order by Status desc nulls last, CreatedDate LIMIT 5 offset 3 for view all rows
            """)
        #expect(query.items.count == 4)
        #expect(query.object.spelling == "Case")
        #expect(query.alias == "k")
        #expect(query.scope?.spelling == "everything")
        #expect(query.filter != nil)
        #expect(query.grouping.map(\.spelling) == ["Status"])
        #expect(query.having != nil)
        #expect(query.order.map(\.isDescending) == [true, false])
        #expect(query.order.map(\.nullsLast) == [true, false])
        #expect(query.limit == 5)
        #expect(query.offset == 3)
        #expect(query.includesDeleted)
        guard case .children(let children) = query.items[3] else {
            Issue.record("no subquery")
            return
        }
        #expect(children.alias == "c")
        #expect(children.limit == 2)
    }

    @Test func equalQueriesAreEqualWhateverTheirSpaces() throws {
        let one = try Query("SELECT Id FROM Account WHERE Name='x' AND Site != null")
        let other = try Query("select  ID\nfrom account where NAME = 'x' and site<>NULL")
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(try one != Query("SELECT Id FROM Account WHERE Name='X' AND Site != null"))
    }

    @Test(arguments: [
        ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS", "LAST_N_DAYS needs a number: LAST_N_DAYS:7", 44),
        ("SELECT Id FROM Account WHERE CreatedDate = TODAY:3", "TODAY takes no number", 44),
        ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:", "expected a number up to 100000 after ':'", 56),
        (
            "SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:999999", "expected a number up to 100000 after ':'",
            56
        ),
        ("SELECT FIELDS(SOME) FROM Account", "FIELDS takes ALL, STANDARD or CUSTOM", 8),
        ("SELECT COUNT() FROM Account x y", "unexpected token: 'y'", 31),
        ("SELECT Id FROM Account ORDER BY", "unexpected token: '<EOF>'", 32),
        ("SELECT Id FROM Account FOR FUN", "unexpected token: 'FUN'", 28),
        ("SELECT Id FROM Account WITH DATA", "unexpected token: 'DATA'", 29),
        ("SELECT A(B(C(D(x)))) FROM Account", "unexpected token: '('", 13),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id FROM x WHERE Id IN (SELECT Id FROM y))", "Nesting", 67),
        ("UPDATE Account", "unexpected token: 'UPDATE'", 1),
    ])
    func mistakeHasItsPlace(_ text: String, _ message: String, _ position: Int) {
        let error = #expect(throws: SOQLError.self) { try Query(text) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.position == position)
    }

    /// Recursion is bounded wherever the grammar recurs.
    @Test func depthEndsInAnError() {
        let subqueries =
            String(repeating: "SELECT Id, (", count: 200) + "SELECT Id FROM x"
            + String(repeating: ") FROM x", count: 200)
        #expect(throws: SOQLError.self) { try Query(subqueries) }
        let selects =
            String(repeating: "SELECT Id FROM x WHERE Id IN (", count: 500) + "SELECT Id FROM x"
            + String(repeating: ")", count: 500)
        #expect(throws: SOQLError.self) { try Query(selects) }
        let calls = "SELECT " + String(repeating: "f(", count: 500) + "x" + String(repeating: ")", count: 500)
        #expect(throws: SOQLError.self) { try Query("\(calls) FROM x") }
        let items = (0..<2_100).map { "f\($0)" }.joined(separator: ",")
        #expect(throws: SOQLError.self) { try Query("SELECT \(items) FROM x") }
    }

    @Test(
        arguments: [
            ("SELECT Id FROM Account", "Account"), ("select (select Id from Contacts) FROM acc", "acc"),
            ("SELECT Id WHERE 'FROM x' FROM b", "b"), ("SELECT Id", nil), ("'", nil), ("", nil),
        ] as [(String, String?)])
    func objectIsFoundInATextThatMayBeWrong(_ text: String, _ name: String?) {
        #expect(Query.objectName(in: text) == name)
    }

    @Test(arguments: [
        ("abc", "ABD", -1), ("ABC", "abc", 0), ("Ä", "ä", 0), ("a", "ä", -1), ("Straße", "STRAßE", 0), ("", "a", -1),
        ("\u{212A}elvin", "kelvin", 0), ("z", "\u{212A}", 1), ("ab", "a", 1),
    ])
    func textsAreOrderedAsTheEvaluatorComparesThem(_ left: String, _ right: String, _ expected: Int32) {
        let order = Array(left.utf8).withUnsafeBufferPointer { left in
            Array(right.utf8).withUnsafeBufferPointer { TextOrder.compare(left, $0) }
        }
        #expect(order == expected)
    }
}
