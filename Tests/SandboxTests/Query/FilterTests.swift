import ChangeEvents
import Doors
import Foundation
import Testing

@testable import Sandbox

/// What a condition lets through.
@Suite struct FilterTests {
    @Test(arguments: [
        ("Name = 'ACME'", ["Acme"]), ("Name != 'acme'", ["acme Nord", "Zürich AG", "100% Öko_Strom"]),
        ("Name <> 'acme'", ["acme Nord", "Zürich AG", "100% Öko_Strom"]), ("Name = 'ZÜRICH ag'", ["Zürich AG"]),
        ("Name LIKE 'acme%'", ["Acme", "acme Nord"]), ("Name LIKE '%nord'", ["acme Nord"]),
        ("Name LIKE 'a_me'", ["Acme"]), ("Name LIKE '100\\% %'", ["100% Öko_Strom"]),
        ("Name LIKE '%ö%\\_%'", ["100% Öko_Strom"]), ("(NOT Name LIKE 'a%')", ["Zürich AG", "100% Öko_Strom"]),
        ("Name LIKE 'zü%'", ["Zürich AG"]), ("Name LIKE '%'", ["Acme", "acme Nord", "Zürich AG", "100% Öko_Strom"]),
        ("Industry = null", ["100% Öko_Strom"]), ("Industry = ''", ["100% Öko_Strom"]),
        ("Industry != null", ["Acme", "acme Nord", "Zürich AG"]),
        ("Industry != 'Energy'", ["Zürich AG", "100% Öko_Strom"]),
        ("(NOT Industry = 'Energy')", ["Zürich AG", "100% Öko_Strom"]),
        ("Industry IN ('energy', 'x')", ["Acme", "acme Nord"]),
        ("Industry NOT IN ('energy')", ["Zürich AG", "100% Öko_Strom"]),
        ("Industry IN ('banking', null)", ["Zürich AG", "100% Öko_Strom"]),
        ("Industry NOT IN ('banking', null)", ["Acme", "acme Nord"]),
        ("AnnualRevenue > 1500000", ["acme Nord"]), ("AnnualRevenue >= 1500000.0", ["Acme", "acme Nord"]),
        ("AnnualRevenue < 8", ["100% Öko_Strom"]), ("(NOT AnnualRevenue < 8)", ["Acme", "acme Nord", "Zürich AG"]),
        ("AnnualRevenue = null", ["Zürich AG"]), ("AnnualRevenue IN (7, 1500000.0)", ["Acme", "100% Öko_Strom"]),
        ("Name > 'acme'", ["acme Nord", "Zürich AG"]), ("IsDeleted = false AND Industry = 'Banking'", ["Zürich AG"]),
        ("Industry = 'Banking' OR (Industry = 'Energy' AND (NOT Name LIKE '%nord%'))", ["Acme", "Zürich AG"]),
        ("Owner.IsActive = true AND Owner.LastName = 'user' AND Industry = null", ["100% Öko_Strom"]),
        ("Parent.Name = null AND Industry = null", ["100% Öko_Strom"]), ("Parent.Name = 'x'", []),
        ("CreatedDate = TODAY AND Name = 'acme'", ["Acme"]), ("CreatedDate < TODAY", []),
        ("CreatedDate >= LAST_N_DAYS:1 AND Name = 'acme'", ["Acme"]), ("CreatedDate = TOMORROW", []),
        ("CreatedDate > 2026-02-17T04:03:14Z AND CreatedDate <= 2026-02-17T05:03:15+01:00 AND Name = 'acme'", ["Acme"]),
        ("CALENDAR_YEAR(CreatedDate) = 2026 AND CALENDAR_MONTH(CreatedDate) = 2 AND Name = 'acme'", ["Acme"]),
        ("DAY_ONLY(CreatedDate) = 2026-02-17 AND Name = 'acme'", ["Acme"]), ("HOUR_IN_DAY(CreatedDate) = 5", []),
        ("DAY_IN_WEEK(convertTimezone(CreatedDate)) = 3 AND Name = 'acme'", ["Acme"]),
    ])
    func conditionLetsThrough(_ condition: String, _ expected: [String]) async throws {
        let fixture = try await SharedQueryFixture.fixture()
        #expect(try await fixture.names(where: condition) == Set(expected), "\(condition)")
    }

    @Test func idsAreComparedInBothLengthsAndWithCase() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let id = fixture.accounts[0]
        #expect(try await fixture.names(where: "Id = '\(id.short)'") == ["Acme"])
        #expect(try await fixture.names(where: "Id IN ('\(id)', '\(fixture.accounts[1].short)')").count == 2)
        #expect(try await fixture.names(where: "Id NOT IN ('\(id)')").count == 3)
        let contacts = try await fixture.column(
            "FirstName", "SELECT FirstName FROM Contact WHERE AccountId = '\(id)' ORDER BY FirstName")
        #expect(contacts == ["Ada", "Bo"])
        let refusal = await fixture.refusal("SELECT Id FROM Account WHERE Id = 'xyz'")
        #expect(refusal?.errorCode == "INVALID_QUERY_FILTER_OPERATOR")
        #expect(refusal?.message.hasSuffix("invalid ID field: xyz") == true)
    }

    @Test func semiJoinsAndAntiJoinsFollowTheOtherObject() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        #expect(
            try await fixture.names(where: "Id IN (SELECT AccountId FROM Contact WHERE FirstName = 'cy')")
                == ["acme Nord"])
        #expect(
            try await fixture.names(where: "Id NOT IN (SELECT AccountId FROM Contact)")
                == ["Zürich AG", "100% Öko_Strom"])
        #expect(
            try await fixture.column(
                "Subject",
                "SELECT Subject FROM Case WHERE ContactId NOT IN (SELECT Id FROM Contact WHERE FirstName LIKE 'A%') "
                    + "AND Status = 'Working' ORDER BY Subject") == ["Case 5"])
        #expect(
            try await fixture.names(
                where: "Id IN (SELECT AccountId FROM Contact WHERE Account.Owner.IsActive = true) "
                    + "AND OwnerId IN (SELECT Id FROM User)") == ["Acme", "acme Nord"])
    }

    @Test func literalsAreNothingButValues() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let texts = [
            "x' OR Name != '", "'; DROP TABLE salesforce_account; --", "\\", "?1", "%'", "\" OR 1=1 --", "\u{0}",
        ]
        for text in texts {
            let literal = text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "'", with: "\\'")
            #expect(try await fixture.names(where: "Name = '\(literal)'") == [])
            #expect(try await fixture.names(where: "Name IN ('\(literal)', 'acme')") == ["Acme"])
            #expect(
                try await fixture.names(where: "Name LIKE '\(literal.replacingOccurrences(of: "%", with: "\\%"))'")
                    == [])
        }
        #expect(try await fixture.page("SELECT COUNT() FROM Account").totalSize == 4)
    }

    /// The database gets a pattern in canonical writing, where a line break has two characters.
    @Test func aPatternOfLineBreaksMayBeAsLongAsAnyOther() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let breaks = String(repeating: "\n", count: 4_000)
        #expect(try await fixture.names(where: "Name LIKE '\(breaks)'").isEmpty)
        #expect(await fixture.refusal("SELECT Id FROM Account WHERE Name LIKE '\(breaks)x'")?.status == 400)
    }

    @Test func longChainsStayWithinTheDatabasesLimits() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let many = (0..<900).map { "Name = 'n\($0)'" }.joined(separator: " OR ")
        #expect(try await fixture.names(where: "\(many) OR Name = 'acme'") == ["Acme"])
        let list = (0..<5_000).map { "'n\($0)'" }.joined(separator: ",")
        #expect(try await fixture.names(where: "Name IN (\(list), 'acme')") == ["Acme"])
        var nested = "Name = 'acme'"
        for level in 0..<20 { nested = "(\(nested)) \(level.isMultiple(of: 2) ? "OR" : "AND") (Name = 'acme')" }
        #expect(try await fixture.names(where: nested) == ["Acme"])
        for level in 0..<40 { nested = "(\(nested)) \(level.isMultiple(of: 2) ? "OR" : "AND") (Name = 'acme')" }
        let refusal = await fixture.refusal("SELECT Id FROM Account WHERE \(nested)")
        #expect(refusal?.errorCode == "QUERY_TOO_COMPLICATED")
    }
}

/// One org for the tests that only read.
enum SharedQueryFixture {
    private actor Holder {
        private var fixture: Task<QueryFixture, any Error>?

        func fixture() async throws -> QueryFixture {
            if let fixture { return try await fixture.value }
            let opening = Task { try await QueryFixture.open() }
            fixture = opening
            return try await opening.value
        }
    }
    private static let holder = Holder()

    static func fixture() async throws -> QueryFixture { try await holder.fixture() }
}
