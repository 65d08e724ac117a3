import ChangeEvents
import Foundation
import SOQL
import Testing

@testable import Doors

@Suite struct ODataTranslationTests {
    static let type = ODataEntityType(
        name: "Thing",
        properties: [
            property("Id", .recordID), property("Name", .text(lengthMax: 80)), property("City", .text(lengthMax: 40)),
            property("Opens", .timeOfDay), property("IsOpen", .boolean), property("Size", .int32),
            property("Price", .decimal(precision: 18, scale: 2)), property("Day", .date),
            property("Made", .dateTimeOffset),
            ODataProperty(
                name: "Story", type: .text(lengthMax: 32_000), isNullable: true, isFilterable: false, isSortable: false),
        ])

    private static func property(_ name: String, _ type: ODataType) -> ODataProperty {
        ODataProperty(name: name, type: type, isNullable: true, isFilterable: true, isSortable: true)
    }

    private func claim(_ text: String) throws -> ODataClaim { try ODataTranslation.claim(text, Self.type) }

    private func test(_ text: String) throws -> FilterTest.Test {
        guard case .filter(.test(let test)) = try claim(text) else { throw Mismatch(text: text) }
        return test.test
    }

    private struct Mismatch: Error { var text: String }

    @Test func trap31TextsAndIdsCompareExactly() throws {
        #expect(try test("Name eq 'Acme'") == .exact(.among([ExactText("Acme")])))
        #expect(try test("'Acme ' eq Name") == .exact(.among([ExactText("Acme ")])))
        #expect(try test("Name in ('a','A')") == .exact(.among([ExactText("a"), ExactText("A")])))
        // A list of 15 and of 18 characters: each as it stands.
        #expect(
            try test("Id eq '001000000000001' or Id eq '001000000000001AAA'")
                == .exact(.among([ExactText("001000000000001"), ExactText("001000000000001AAA")])))
        guard case .filter(.not(.test(let unequal))) = try claim("Name ne 'Acme'") else {
            Issue.record("not a negation")
            return
        }
        #expect(unequal.test == .exact(.among([ExactText("Acme")])))
        #expect(try test("contains(Name,'Ac')") == .exact(.search(TextSearch(.contains, "Ac"))))
        #expect(try test("startswith(Id,'001') eq true") == .exact(.search(TextSearch(.startsWith, "001"))))
    }

    @Test func theEmptyTextIsNull() throws {
        for text in ["Name eq ''", "Name eq null", "Id eq ''", "Name in ('')"] {
            #expect(try test(text) == .compare(.equal, .value(.null)))
        }
        #expect(try test("Name ne ''") == .compare(.notEqual, .value(.null)))
        #expect(try claim("Price gt null") == .always(false))
        #expect(try claim("IsOpen eq null") == .always(false))
    }

    @Test func otherTypesBecomeSOQLsComparisons() throws {
        #expect(try test("Size lt 5") == .compare(.less, .value(.integer(5))))
        #expect(try test("5 lt Size") == .compare(.greater, .value(.integer(5))))
        #expect(try test("Price ge 1.5") == .compare(.greaterOrEqual, .value(.double(1.5))))
        #expect(try test("IsOpen") == .compare(.equal, .value(.boolean(true))))
        #expect(try test("IsOpen ne true") == .compare(.notEqual, .value(.boolean(true))))
        #expect(try test("Opens eq '10:30:00.000Z'") == .compare(.equal, .value(.time(milliseconds: 37_800_000))))
        #expect(try claim("Opens eq '10:30:00Z'") == .always(false), "that is not how a time is answered")
    }

    @Test func momentsBetweenTwoMillisecondsEqualNone() throws {
        let floor = FilterLiteral.value(.dateTime(milliseconds: 1_771_300_995_250))
        #expect(try test("Made eq 2026-02-17T04:03:15.25Z") == .compare(.equal, floor))
        #expect(try claim("Made eq 2026-02-17T04:03:15.2500001Z") == .always(false))
        #expect(try claim("Made ne 2026-02-17T04:03:15.2500001Z") == .always(true))
        #expect(try test("Made ge 2026-02-17T04:03:15.2500001Z") == .compare(.greater, floor))
        #expect(try test("Made lt 2026-02-17T04:03:15.2500001Z") == .compare(.lessOrEqual, floor))
        // An org has Edm.Date as a date-time at midnight, and asks for it like that.
        let day = FilterLiteral.value(.date(milliseconds: 1_771_286_400_000))
        #expect(try test("Day eq 2026-02-17T00:00:00Z") == .compare(.equal, day))
        #expect(try claim("Day eq 2026-02-17T00:00:01Z") == .always(false))
        #expect(try test("Day lt 2026-02-17T00:00:01Z") == .compare(.lessOrEqual, day))
    }

    @Test func whatIsAlwaysTrueOrFalseFallsAway() throws {
        #expect(try claim("true") == .always(true))
        #expect(try claim("Name eq 'x' and false") == .always(false))
        #expect(try claim("Name eq 'x' or not false") == .always(true))
        #expect(try claim("false or Size eq 1") == claim("Size eq 1"))
    }

    @Test(arguments: [
        ("name eq 'x'", 1, "no property 'name'"), ("Story eq 'x'", 1, "cannot be filtered"),
        ("Size eq 'x'", 9, "Size is Edm.Int32 and cannot be compared with a text"),
        ("Name eq 5", 9, "Edm.String"), ("Name eq 'a' and Day gt 5", 24, "a number"), ("Name", 1, "not Edm.Boolean"),
        ("IsOpen gt true", 1, "no order"), ("contains(Size,'x')", 10, "takes a text"),
        ("contains(Name)", 1, "a property and a text"),
        ("'x'", 1, "says nothing"), ("Opens gt 'noon'", 10, "form of a time"),
    ])
    func mistakesAreNamedWithTheirPlace(_ text: String, _ character: Int, _ words: String) throws {
        let error = try #require(throws: ODataSyntaxError.self) { try claim(text) }.error(in: text, of: "$filter")
        #expect(error.status == 400 && error.target == "$filter")
        #expect(
            error.message.contains(words) && error.message.contains("(at character \(character) of $filter)"),
            "\(error)")
    }

    @Test(arguments: ["tolower(Name) eq 'x'", "length(Name) gt 3", "Name eq City", "year(Day) eq 2026"])
    func whatIsODataButNotHereIs501(_ text: String) throws {
        let error = try #require(throws: ODataSyntaxError.self) { try claim(text) }.error(in: text, of: "$filter")
        #expect(error.status == 501, "\(error)")
    }

    @Test func logicIsOfBoundedDepth() throws {
        func nested(_ depth: Int) -> String {
            (0..<depth).reduce("Size eq 1") { "(\($0)) \($1.isMultiple(of: 2) ? "and" : "or") Size eq 2" }
        }
        #expect(throws: Never.self) { try claim(nested(ODataTranslation.logicDepthMax)) }
        #expect(throws: ODataSyntaxError.self) { try claim(nested(ODataTranslation.logicDepthMax + 1)) }
    }

    @Test func aSkipTokenGivesItsPlaceBackAndNoOther() throws {
        let order = ["Name", "Price", "Day", "IsOpen", "Made", "Opens", "Size", "Id"].compactMap { name in
            Self.type.property(name).map { ODataOrder(property: $0, isDescending: name == "Price") }
        }
        let token = ODataSkipToken(
            after: [
                .string("Zürich 'x' ÿÿÿ"), .double(0.1), .date(milliseconds: -86_400_000), .boolean(false),
                .dateTime(milliseconds: 5), .null, .integer(-7), .string("001000000000001AAA"),
            ], order, left: 7, pageSize: 3)
        #expect(ODataSkipToken(token.text, order) == token)
        #expect(token.text.utf8.allSatisfy { $0 != 0x2B && $0 != 0x2F && $0 != 0x3D })
        #expect(ODataSkipToken(token.text, Array(order.dropFirst())) == nil)
        #expect(ODataSkipToken(token.text.replacing("A", with: "B"), order) == nil)
        // A bound that cannot be read is not none.
        for (left, isRead) in [("7", true), ("null", true), ("\"7\"", false), ("-1", false), ("7.5", false)] {
            let document = #"{"order":"Id","left":\#(left),"size":3,"after":["a"]}"#
            let read = ODataSkipToken(Data(document.utf8).base64EncodedString(), Array(order.suffix(1)))
            #expect((read != nil) == isRead, "\(left)")
        }
        for text in ["", "x", "e30", "W10", "%%%"] { #expect(ODataSkipToken(text, order) == nil) }
    }
}
