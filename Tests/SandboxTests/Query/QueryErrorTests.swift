import Doors
import Foundation
import Testing

@testable import Sandbox

/// Every mistake has Salesforce's code, and its text points at the place.
@Suite struct QueryErrorTests {
    @Test func textShowsTheLineTheCaretAndTheReason() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let refusal = await fixture.refusal("SELECT Nme FROM Account")
        #expect(refusal?.status == 400)
        #expect(refusal?.errorCode == "INVALID_FIELD")
        #expect(
            refusal?.message
                == """

                SELECT Nme FROM Account
                       ^
                ERROR at Row:1:Column:8
                No such column 'Nme' on entity 'Account'. If you are attempting to use a custom field, be sure to append \
                the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
                appropriate names.
                """)
    }

    @Test func placesCountCharactersAndRows() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let refusal = await fixture.refusal("SELECT Id\nFROM Account\nWHERE Name = 'Ä€' AND Nme = 1")
        #expect(refusal?.message.hasPrefix("\nWHERE Name = 'Ä€' AND Nme = 1\n                      ^\n") == true)
        #expect(refusal?.message.contains("ERROR at Row:3:Column:23\n") == true)
        let long = "SELECT \((0..<50).map { _ in "Id" }.joined(separator: ", ")), Nme FROM Account"
        let cut = await fixture.refusal(long)
        #expect(cut?.message.split(separator: "\n").first?.count ?? 999 <= 120)
    }

    @Test(arguments: [
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
        ("SELECT FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        ("SELECT * FROM Account", "MALFORMED_QUERY", "unexpected character '*'"),
        ("SELECT Id FROM Account; DROP TABLE x", "MALFORMED_QUERY", "unexpected character ';'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "closing quote"),
        ("SELECT Id FROM Account WHERE Name = x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Account WHERE AnnualRevenue > USD5000", "MALFORMED_QUERY", "unexpected token: 'USD5000'"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY",
            "unexpected token: 'OR'"
        ),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE", "sObject type 'Nothing__c' is not supported."),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path."),
        ("SELECT Id FROM Account WHERE Foo.Bar.Baz = 1", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        (
            "SELECT (SELECT Id FROM Foos) FROM Account", "INVALID_TYPE",
            "relationship 'Foos' in FROM part of query call."
        ),
        ("SELECT Id, Name, id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD",
            "'Name' must be of type string and should be enclosed in quotes"
        ),
        (
            "SELECT Id FROM Account WHERE AnnualRevenue = '5'", "INVALID_FIELD",
            "'AnnualRevenue' must be of type double and should not be enclosed in quotes"
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01", "INVALID_FIELD",
            "'CreatedDate' must be of type dateTime"
        ),
        ("SELECT Id FROM Account WHERE IsDeleted = 'x'", "INVALID_FIELD", "'IsDeleted' must be of type boolean"),
        ("SELECT Id FROM Account WHERE Name = TODAY", "INVALID_FIELD", "'Name' must be of type string"),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'", "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field"
        ),
        (
            "SELECT Id FROM Account WHERE AnnualRevenue LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on double field"
        ),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "multipicklist"),
        (
            "SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call"
        ),
        ("SELECT Id FROM Account WHERE BillingAddress = null", "INVALID_FIELD", "can not be filtered"),
        (
            "SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY",
            "field 'Description' can not be sorted in a query call"
        ),
        (
            "SELECT Description, COUNT(Id) FROM Account GROUP BY Description", "MALFORMED_QUERY",
            "can not be grouped in a query call"
        ),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        (
            "SELECT COUNT(Id) FROM Account GROUP BY Industry ORDER BY Name", "MALFORMED_QUERY",
            "must be grouped or aggregated: Name"
        ),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT COUNT(Id) a, MAX(Name) A FROM Account", "MALFORMED_QUERY", "duplicate alias: A"),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        ("SELECT COUNT(Id) FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        ("SELECT COUNT(Id) FROM Account WHERE COUNT() > 1", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        (
            "SELECT Industry FROM Account GROUP BY Industry HAVING Name = 'x'", "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name"
        ),
        (
            "SELECT Industry FROM Account GROUP BY Industry HAVING CALENDAR_YEAR(CreatedDate) = 2026",
            "MALFORMED_QUERY", "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)"
        ),
        (
            "SELECT CreatedDate, COUNT(Id) FROM Account GROUP BY CreatedDate", "MALFORMED_QUERY",
            "field 'CreatedDate' can not be grouped in a query call"
        ),
        ("SELECT COUNT(IsDeleted) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator COUNT"),
        ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 10", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT NOSUCH(Id) FROM Account", "MALFORMED_QUERY", "unexpected token: 'NOSUCH'"),
        (
            "SELECT CALENDAR_YEAR(Name) FROM Account GROUP BY CALENDAR_YEAR(Name)", "INVALID_FIELD",
            "is not supported on the field Name"
        ),
        ("SELECT TYPEOF Owner WHEN User THEN Id END FROM Account", "MALFORMED_QUERY", "TYPEOF is not supported"),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)", "MALFORMED_QUERY",
            "cannot be used in a semi join"
        ),
        (
            "SELECT Id FROM Account WHERE Name IN (SELECT Id FROM Contact)", "MALFORMED_QUERY",
            "semi join sub-selects can only be on id"
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT ContactId FROM Case))",
            "MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported"
        ),
        ("SELECT Id FROM Account USING SCOPE mine", "MALFORMED_QUERY", "scope is not supported"),
        (
            "SELECT Contact.Account.Parent.Parent.Parent.Parent.Name FROM Case", "MALFORMED_QUERY",
            "longer than 5 levels"
        ),
        ("SELECT COUNT(Id) FROM Account GROUP BY ROLLUP(Industry)", "MALFORMED_QUERY", "ROLLUP is not supported"),
    ])
    func mistakeIsRefused(_ soql: String, _ code: String, _ text: String) async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let refusal = await fixture.refusal(soql)
        #expect(refusal?.errorCode == code, "\(soql)")
        #expect(refusal?.message.contains(text) == true, "\(soql): \(refusal?.message ?? "")")
    }

    @Test func aQueryThatRunsTooLongIsEnded() async throws {
        let org = try await TestOrg.open { $0.queryTimeMax = .zero }
        let names = (0..<500).map { "A\($0)" }.joined(separator: "\n")
        #expect(try await org.ingest("Account", .insert, "Name\n\(names)\n").recordsFailed == 0)
        let refused = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.query(
                "SELECT Id FROM Account WHERE Name LIKE '%x%'", scope: .live, batchSize: nil, context: org.context)
        }
        #expect(refused?.errorCode == "QUERY_TIMEOUT" && refused?.status == 400)
        // One that asks for little is answered before anybody looks at the clock.
        let page = try await org.sandbox.query(
            "SELECT Id FROM Account WHERE Id = '001000000000001AAA'", scope: .live, batchSize: nil, context: org.context
        )
        #expect(page.totalSize == 0)
    }

    @Test func limitsHoldAtTheirEdges() async throws {
        let fixture = try await SharedQueryFixture.fixture()
        let start = "SELECT Id FROM Account WHERE Name = '"
        let fits = start + "x'" + String(repeating: " ", count: 100_000 - start.count - 2)
        #expect(try await fixture.page(fits).totalSize == 0)
        let refusal = await fixture.refusal(fits + " ")
        #expect(refusal?.errorCode == "MALFORMED_QUERY")
        #expect(refusal?.message.contains("longer than 100000 characters") == true)
        let deep = String(repeating: "(", count: 101) + "Name = 'x'" + String(repeating: ")", count: 101)
        #expect(await fixture.refusal("SELECT Id FROM Account WHERE \(deep)")?.errorCode == "MALFORMED_QUERY")
        let subselects = String(repeating: "Id IN (SELECT AccountId FROM Contact) AND ", count: 2)
        #expect(try await fixture.page("SELECT Id FROM Account WHERE \(subselects)Id != null").totalSize == 2)
        let three = subselects + "Id IN (SELECT AccountId FROM Contact)"
        #expect(await fixture.refusal("SELECT Id FROM Account WHERE \(three)")?.errorCode == "MALFORMED_QUERY")
    }
}
