import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// Groups, aggregates, order and windows.
@Suite struct AggregateTests {
    @Test func countAnswersTheNumberOfRowsAndNoRecords() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let page = try await fixture.page("SELECT COUNT() FROM Case WHERE Status = 'New'")
        #expect(page == QueryPage(totalSize: 4, nextLocator: nil, records: []))
        #expect(try await fixture.page("SELECT count() FROM Case LIMIT 2").totalSize == 2)
        #expect(try await fixture.page("SELECT COUNT() FROM Case WHERE Contact.FirstName = 'ada'").totalSize == 3)
    }

    @Test func aggregatesHaveAliasesOrNumberedNames() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let records = try await fixture.page(
            """
            SELECT COUNT(Id), SUM(AnnualRevenue) total, AVG(AnnualRevenue), MIN(Name), MAX(Name) last,
                COUNT_DISTINCT(Industry), COUNT(AnnualRevenue) n FROM Account
            """
        ).records
        #expect(records.count == 1)
        let record = try #require(records.first?.dictionary)
        #expect(record["attributes"] == .object([.init(name: "type", value: .string("AggregateResult"))]))
        #expect(record["expr0"] == .number("4"))
        #expect(record["total"] == .number("4000008.0"))
        #expect(record["expr1"] == .number("\(4000008.0 / 3)"))
        #expect(record["expr2"] == .string("100% Öko_Strom"))
        #expect(record["last"] == .string("Zürich AG"))
        #expect(record["expr3"] == .number("2"))
        #expect(record["n"] == .number("3"))
    }

    @Test func groupsAreCountedFilteredAndSorted() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let records = try await fixture.records(
            "SELECT Status, Priority p, COUNT(Id) FROM Case GROUP BY Status, Priority ORDER BY COUNT(Id) DESC, Priority"
        )
        #expect(records.map { $0["expr0"] } == [.number("2"), .number("2"), .number("1"), .number("1")])
        #expect(records[0]["Status"] == .string("New"))
        #expect(records[0]["p"] == .string("High"))
        let having = try await fixture.column(
            "Status", "SELECT Status FROM Case GROUP BY Status HAVING COUNT(Id) > 2 AND Status LIKE 'n%'")
        #expect(having == ["New"])
        let byParent = try await fixture.records(
            "SELECT Contact.FirstName, COUNT(Id) n FROM Case GROUP BY Contact.FirstName ORDER BY Contact.FirstName")
        #expect(byParent.map { $0["FirstName"] } == [.null, .string("Ada"), .string("Bo")])
        let byMonth = try await fixture.records(
            "SELECT CALENDAR_MONTH(CreatedDate) month, COUNT(Id) FROM Case GROUP BY CALENDAR_MONTH(CreatedDate)")
        #expect(byMonth.map { $0["month"] } == [.number("2")])
        let none = try await fixture.records("SELECT Status, COUNT(Id) FROM Case WHERE Id = null GROUP BY Status")
        #expect(none.isEmpty)
        let empty = try await fixture.records("SELECT MAX(Status) m, COUNT(Id) n FROM Case WHERE Id = null")
        #expect(empty[0]["m"] == .null)
        #expect(empty[0]["n"] == .number("0"))
    }

    @Test(arguments: [
        ("Industry", ["null", "Banking", "Energy", "Energy"]),
        ("Industry DESC", ["null", "Energy", "Energy", "Banking"]),
        ("Industry NULLS LAST", ["Banking", "Energy", "Energy", "null"]),
        ("Industry DESC NULLS LAST", ["Energy", "Energy", "Banking", "null"]),
        ("Industry ASC NULLS FIRST, Name DESC", ["null", "Banking", "Energy", "Energy"]),
    ])
    func nullsStandWhereTheQueryWants(_ order: String, _ expected: [String]) async throws {
        let fixture = try await SharedQueryFixture.fixture()
        #expect(try await fixture.column("Industry", "SELECT Industry FROM Account ORDER BY \(order)") == expected)
    }

    @Test func orderIsWithoutCaseAndThroughParents() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let names = try await fixture.column("Name", "SELECT Name FROM Account ORDER BY Name DESC")
        #expect(names == ["Zürich AG", "acme Nord", "Acme", "100% Öko_Strom"])
        let subjects = try await fixture.column(
            "Subject",
            "SELECT Subject FROM Case ORDER BY Contact.FirstName DESC NULLS LAST, Subject DESC LIMIT 3 OFFSET 1")
        #expect(subjects == ["Case 1", "Case 4", "Case 2"])
    }

    @Test func windowsCutTheResult() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let page = try await fixture.page("SELECT Id FROM Case ORDER BY CaseNumber LIMIT 4 OFFSET 3")
        #expect(page.totalSize == 3)
        #expect(try await fixture.page("SELECT Id FROM Case LIMIT 0").totalSize == 0)
        #expect(try await fixture.page("SELECT Id FROM Case OFFSET 6").totalSize == 0)
        let refusal = await fixture.refusal("SELECT Id FROM Case OFFSET 2001")
        #expect(refusal?.errorCode == "NUMBER_OUTSIDE_VALID_RANGE")
    }
}
