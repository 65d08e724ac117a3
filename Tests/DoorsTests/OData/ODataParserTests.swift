import SOQL
import TestSupport
import Testing

@testable import Doors

@Suite struct ODataParserTests {
    private func failure(_ text: String) -> ODataSyntaxError? {
        do throws(ODataSyntaxError) {
            _ = try ODataParser.parse(text)
            return nil
        } catch {
            return error
        }
    }

    @Test func orBindsWeakerThanAndAndNotTakesOneClaim() throws {
        let one = ODataExpression.comparison(
            .equal, .property("A", place: 0), .literal(.integer(1), place: 5), place: 2)
        let parsed = try ODataParser.parse("A eq 1 or not B and C gt 2")
        guard case .or(let operands) = parsed, operands.count == 2, case .and(let inner) = operands[1] else {
            Issue.record("\(parsed)")
            return
        }
        #expect(operands[0] == one)
        #expect(inner[0] == .not(.property("B", place: 14)))
        #expect(
            inner[1]
                == .comparison(.greater, .property("C", place: 20), .literal(.integer(2), place: 25), place: 22))
    }

    @Test func parenthesesGroup() throws {
        guard case .and(let operands) = try ODataParser.parse("(A eq 1 or B eq 2) and (not (C eq 3))") else {
            Issue.record("not an 'and'")
            return
        }
        guard case .or(let inner) = operands[0], case .not = operands[1] else {
            Issue.record("\(operands)")
            return
        }
        #expect(inner.count == 2)
    }

    @Test(arguments: [
        ("'it''s'", ODataLiteral.string("it's")), ("''", .string("")), ("'Zürich  '", .string("Zürich  ")),
        ("-5", .integer(-5)), ("5.50", .double(5.5)), ("1e3", .double(1_000)), ("null", .null),
        ("true", .boolean(true)),
        ("9223372036854775807", .integer(.max)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
        ("2026-02-17", .moment(milliseconds: 1_771_286_400_000, isExact: true)),
        ("2026-02-17T04:03:15.250Z", .moment(milliseconds: 1_771_300_995_250, isExact: true)),
        ("2026-02-17T04:03Z", .moment(milliseconds: 1_771_300_980_000, isExact: true)),
        ("2026-02-17T06:03:15.25+02:00", .moment(milliseconds: 1_771_300_995_250, isExact: true)),
        ("2026-02-16T20:03:15.2500000-08:00", .moment(milliseconds: 1_771_300_995_250, isExact: true)),
        ("2026-02-17T04:03:15.2500001Z", .moment(milliseconds: 1_771_300_995_250, isExact: false)),
    ])
    func literal(_ text: String, _ literal: ODataLiteral) throws {
        #expect(
            try ODataParser.parse("A eq \(text)")
                == .comparison(
                    .equal, .property("A", place: 0), .literal(literal, place: 5), place: 2))
    }

    @Test(arguments: [
        ("", 0, "expected a property"), ("A", -1, ""), ("A eq", 4, "found the end"), ("A eq 'x", 5, "no closing quote"),
        ("A = 1", 2, "unexpected character '='"), ("(A eq 1", 7, "expected ')'"), ("A eq 1)", 6, "found ')'"),
        ("A eq 1 B eq 2", 7, "expected an operator"), ("A in 1", 5, "expected '('"), ("A in ()", 6, "found ')'"),
        ("A in (1 2)", 8, "expected ',' or ')'"), ("A in (1,B)", 9, "literals"), ("A eq 1x", 5, "'1x' is not a number"),
        ("A eq 2026-02-30", 5, "not a day"), ("A eq 2026-02-17T25:00:00Z", 5, "not a time of day"),
        ("A eq 2026-02-17T10:00:00", 5, "is not a moment"), ("A eq 2026-02-17T10:00:00 02:00", 5, "is not a moment"),
        ("A eq 1e999", 5, "too large"), ("A eq NaN", 5, "no value of a record"), ("Zürich eq 1", 1, "ü"),
        ("A eq \"x\"", 5, "unexpected character"), ("A eq 1;drop", 6, "unexpected character ';'"),
        ("and A eq 1", 0, "expected"), ("not", 3, "found the end"), ("contains(A,'x'", 14, "expected ',' or ')'"),
    ])
    func badTextHasItsPlace(_ text: String, _ place: Int, _ words: String) throws {
        guard place >= 0 else {
            #expect(failure(text) == nil)
            return
        }
        let error = try #require(failure(text))
        #expect(error.place == place && error.message.contains(words), "\(error)")
    }

    @Test(arguments: ["A add 1 eq 2", "Owner/Name eq 'x'", "A eq @p", "$it eq 1", "A has 1"])
    func whatIsODataButNotHereSaysSo(_ text: String) throws {
        #expect(try #require(failure(text)).isUnsupported)
    }

    @Test func depthLengthAndClaimsAreBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "A eq 1" + String(repeating: ")", count: depth)
        }
        #expect(failure(nested(ODataParser.nestingMax)) == nil)
        #expect(try #require(failure(nested(ODataParser.nestingMax + 1))).message.contains("nests deeper"))
        #expect(try #require(failure(String(repeating: "not ", count: 10_000 / 4))).message.contains("nests deeper"))
        func compared(_ left: String, _ count: Int) -> String { left + String(repeating: " eq true", count: count) }
        #expect(failure(compared("A", ODataParser.nestingMax + 1)) == nil)
        let tooFar = try #require(failure(compared("A", ODataParser.nestingMax + 2)))
        #expect(tooFar.message.contains("expected 'and'"))
        // A chain of a chain went as deep as there may be comparisons.
        let half = ODataParser.nestingMax / 2 + 2
        #expect(failure(compared("(\(compared("A", half)))", half)) != nil)
        func list(_ count: Int) -> String { "A in (\(Array(repeating: "1", count: count).joined(separator: ",")))" }
        #expect(failure(list(ODataParser.claimsMax)) == nil)
        #expect(try #require(failure(list(ODataParser.claimsMax + 1))).message.contains("more than 1000"))
        func chain(_ count: Int) -> String { Array(repeating: "A eq 1", count: count).joined(separator: " or ") }
        #expect(failure(chain(ODataParser.claimsMax)) == nil)
        #expect(failure(chain(ODataParser.claimsMax + 1)) != nil)
        func long(_ count: Int) -> String { "A eq '" + String(repeating: "x", count: count - 7) + "'" }
        #expect(failure(long(ODataParser.textCharactersMax)) == nil)
        #expect(try #require(failure(long(ODataParser.textCharactersMax + 1))).message.contains("longer than"))
    }

    @Test func randomTextEndsInAnAnswer() {
        let words = [
            "A", "eq", "ne", "'x'", "'", "(", ")", ",", "and", "or", "not", "in", "1", "2026-01-01", "contains", "é",
            "/", "-",
        ]
        var random = SeededRandom()
        for _ in 0..<5_000 {
            let text = (0..<random.int(0..<13)).map { _ in random.pick(words) }
                .joined(separator: random.chance(0.5) ? " " : "")
            guard let error = failure(text) else { continue }
            #expect((0...text.utf8.count).contains(error.place), "seed \(random.seed), \(text): \(error)")
        }
    }
}
