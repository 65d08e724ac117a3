@testable import SOQL
import Testing

/// Which conditions are one. (That a normal form says the same as the condition is what the matcher's oracle checks.)
struct NormalFormTests {
    private func form(_ text: String) throws -> NormalForm { Self.sorted(NormalForm(try Condition(text))) }

    /// Operands have no order; equality has one.
    private static func sorted(_ form: NormalForm) -> NormalForm {
        switch form {
        case .never, .claim: form
        case .all(let operands): .all(operands.map(sorted).sorted { "\($0)" < "\($1)" })
        case .any(let operands): .any(operands.map(sorted).sorted { "\($0)" < "\($1)" })
        }
    }

    @Test(arguments: [
        ("A = 1 AND B = 2", "b = 2 and (a = 1)"), ("A = 1 OR B = 2 OR C = 3", "(C = 3 OR A = 1) OR B = 2"),
        ("NOT (A = 1 AND B = 2)", "A != 1 OR B != 2"), ("NOT (NOT (A < 1))", "A < 1"), ("A = 1", "A = 1.0"),
        ("NOT (A IN ('x') OR B LIKE 'y%')", "A != 'X' AND (NOT B LIKE 'Y%')"), ("A = 'x'", "A IN ('X')"),
        ("A = 'x' OR A = 'y' OR B = 1", "B = 1 OR A IN ('y', 'x', 'Y')"),
        ("A != 'x' AND A != 'y'", "A NOT IN ('Y', 'X')"),
        ("A IN ('x', 'y') AND A IN ('y', 'z')", "A = 'y'"), ("A > 3 AND A <= 9 AND A > 5", "A > 5 AND A <= 9"),
        ("A > 5 AND A >= 5", "A > 5"), ("A = false", "A != true"), ("NOT A = true", "A = false"),
        ("A = 1 AND (A = 1 OR B = 2)", "A = 1"), ("A = 1 OR (A = 1 AND B = 2)", "A = 1"),
        ("A EXCLUDES ('b;a', 'c')", "NOT A INCLUDES ('C', 'A;B;a')"), ("A = null", "A = ''"),
        ("A = 1 OR (B = 1 AND B = 2)", "A = 1"), ("A > 2026-07-01 AND A > 2026-07-03", "A > 2026-07-03"),
        ("A IN ('x', null)", "A = 'x' OR A IN (null)"),
    ])
    func sayTheSame(left: String, right: String) throws {
        #expect(try form(left) == form(right))
    }

    @Test(arguments: [
        ("A = 'x'", "A LIKE 'x'"), ("A = null", "A IN (null)"), ("A = false", "A IN (false)"), ("NOT A < 1", "A >= 1"),
        ("A = '500xx0000000001'", "A = '500xx0000000001AAA'"), ("A = 1 OR A != 1", "B = 1 OR B != 1"),
        ("A < 'x'", "A < 'X'"), ("A = 2026-07-01", "A = 2026-07-01T00:00:00Z"),
        ("A LIKE '\u{130}'", "A LIKE 'i\u{307}'"),
    ])
    func areDifferent(left: String, right: String) throws {
        #expect(try form(left) != form(right))
    }

    @Test(arguments: [
        "A = 'x' AND A = 'y'", "A = 1 AND A != 1", "A > 5 AND A < 5", "A >= 5 AND A < 5",
        "B = 1 AND A IN (1, 2) AND A = 3",
        "(A = 1 AND A = 2) OR (B > 2 AND B < 1)", "A LIKE 'x%' AND (NOT A LIKE 'X%')",
        "A > 10:00:00Z AND A < 09:00:00Z",
    ])
    func neverHold(text: String) throws {
        #expect(try form(text) == .never)
    }

    /// They look as if they could not, but a value can satisfy both: an id is written in two lengths, and a day is compared
    /// with instants by their days.
    @Test(arguments: [
        "A = '500xx0000000001' AND A = '500xx0000000001AAA'", "A = 2026-07-01T10:00:00Z AND A = 2026-07-01T11:00:00Z",
        "A >= 2026-07-01T11:00:00Z AND A <= 2026-07-01T10:00:00Z", "A = 'abcdefghijklmno' AND A = 'ABCDEFGHIJKLMNO'",
        "A >= 5 AND A <= 5",
    ])
    func canHold(text: String) throws {
        #expect(try form(text) != .never)
    }

    /// A list as long as a message may hold must not cost more than its length.
    @Test func longListsAreJoinedInTime() throws {
        let ids = (0..<3_000).map { "'003xx00000\(10_000 + $0)'" }
        let list = ids.dropFirst().joined(separator: ", ")
        let other = ids.dropLast().joined(separator: ", ")
        let condition = try Condition("A IN (\(list)) AND A IN (\(other)) AND B = 1")
        let spent = processorTime {
            guard case .all = NormalForm(condition) else {
                Issue.record("an AND stays one")
                return
            }
        }
        #expect(spent < .seconds(5))
    }
}
