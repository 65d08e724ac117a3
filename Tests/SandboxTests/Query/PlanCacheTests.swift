import ChangeEvents
import SOQL
import Testing

@testable import Sandbox

/// Queries that differ in their quoted texts alone share a plan, and none gets another one's answer by it.
struct PlanCacheTests {
    private let schema = Catalogue.standard.querySchema

    private func made(_ soql: String) throws -> QueryPlan {
        try PlanCache.made(soql, schema: schema, includesDeleted: false, now: 0)
    }

    private func known(_ soql: String, after first: String) throws -> QueryPlan? {
        let cache = PlanCache()
        _ = try cache.plan(first, schema: schema, includesDeleted: false, now: 0)
        return cache.known(soql, schema: schema, includesDeleted: false)
    }

    @Test(arguments: [
        ("SELECT Id FROM Account WHERE Name = 'a'", "SELECT Id FROM Account WHERE Name = 'it\\'s \\\\ FROM Case'"),
        (
            "SELECT Id FROM Account WHERE Id = '001000000000001'",
            "SELECT Id FROM Account WHERE Id = '001000000000002AAA'"
        ),
        (
            "SELECT Id FROM Account WHERE Name IN ('a', 'b') AND Industry != 'c'",
            "SELECT Id FROM Account WHERE Name IN ('x', 'y') AND Industry != 'z'"
        ),
        (
            "SELECT Id, (SELECT Id FROM Contacts WHERE LastName = 'a') FROM Account WHERE Name > 'b'",
            "SELECT Id, (SELECT Id FROM Contacts WHERE LastName = 'x') FROM Account WHERE Name > 'y'"
        ),
        (
            "SELECT Id FROM Case WHERE ContactId IN (SELECT Id FROM Contact WHERE LastName = 'a') OR Subject = 'b'",
            "SELECT Id FROM Case WHERE ContactId IN (SELECT Id FROM Contact WHERE LastName = 'x') OR Subject = 'y'"
        ),
        (
            "SELECT Industry, COUNT(Id) n FROM Account WHERE Name = 'a' GROUP BY Industry HAVING Industry != 'b'",
            "SELECT Industry, COUNT(Id) n FROM Account WHERE Name = 'x' GROUP BY Industry HAVING Industry != 'y'"
        ),
        ("SELECT Id FROM Account WHERE Owner.Username = 'a'", "SELECT Id FROM Account WHERE Owner.Username = 'b'"),
    ])
    func planIsSharedWithItsTextsExchanged(first: String, second: String) throws {
        let shared = try #require(try known(second, after: first))
        let own = try made(second)
        #expect(shared.sql == own.sql)
        #expect(shared.parameters == own.parameters)
        #expect(shared.children.map(\.parameters) == own.children.map(\.parameters))
        #expect(shared.parameters != (try made(first).parameters) || !own.children.isEmpty)
    }

    /// Where the plan depends on what the text says, it is not shared.
    @Test(arguments: [
        ("SELECT Id FROM Account WHERE Name = 'a'", "SELECT Id FROM Account WHERE Name = ''"),
        ("SELECT Id FROM Account WHERE Name = ''", "SELECT Id FROM Account WHERE Name = 'a'"),
        ("SELECT Id FROM Account WHERE Name IN ('', 'a')", "SELECT Id FROM Account WHERE Name IN ('b', '')"),
        ("SELECT Id FROM Account WHERE Name LIKE 'a%'", "SELECT Id FROM Account WHERE Name LIKE '%a'"),
        ("SELECT Id FROM Account WHERE Id = '001000000000001'", "SELECT Id FROM Account WHERE Id = 'nonsense'"),
        ("SELECT Id FROM Account WHERE Name = 'a'", "SELECT Id FROM Account WHERE Name = '\\q'"),
        ("SELECT Id FROM Account WHERE Name = 'a'", "SELECT Id FROM Account WHERE Name = 'b"),
        (
            "SELECT Id FROM Account WHERE CreatedDate = TODAY AND Name = 'a'",
            "SELECT Id FROM Account WHERE CreatedDate = TODAY AND Name = 'b'"
        ),
    ])
    func planThatItsTextDecidesIsNotShared(first: String, second: String) throws {
        #expect(try known(second, after: first) == nil)
    }

    @Test func textsWithoutAnOpenPlanAreKeptWhole() throws {
        let soql = "SELECT Id FROM Account WHERE Name LIKE 'a%'"
        #expect(try known(soql, after: soql) != nil)
    }

    /// Two objects' schemas never share, nor do live records and all of them.
    @Test func deletedRecordsAndOtherSchemasHavePlansOfTheirOwn() throws {
        let cache = PlanCache()
        let soql = "SELECT Id FROM Account WHERE Name = 'a'"
        _ = try cache.plan(soql, schema: schema, includesDeleted: false, now: 0)
        #expect(cache.known(soql, schema: schema, includesDeleted: true) == nil)
        #expect(cache.known(soql, schema: Catalogue([.account]).querySchema, includesDeleted: false) == nil)
    }

    @Test func answersAreThoseOfTheTextsTheyCameWith() async throws {
        let fixture = try await QueryFixture.open()
        for _ in 0..<2 {
            for (name, city) in [("Acme", "Berlin"), ("acme Nord", "Kiel"), ("Zürich AG", "Zürich")] {
                #expect(
                    try await fixture.column("BillingCity", "SELECT BillingCity FROM Account WHERE Name = '\(name)'")
                        == [city])
            }
            let unknown = try await fixture.records("SELECT Id FROM Account WHERE Name = 'nobody'")
            #expect(unknown.isEmpty)
            for account in fixture.accounts {
                #expect(
                    try await fixture.column("Id", "SELECT Id FROM Account WHERE Id = '\(account.string)'")
                        == [account.string])
            }
        }
    }
}
