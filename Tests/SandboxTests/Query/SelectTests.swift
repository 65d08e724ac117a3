import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// What a query answers, column by column.
@Suite struct SelectTests {
    @Test func recordHasAttributesAndTheFieldsInTheOrderOfTheQuery() async throws {
        let fixture = try await QueryFixture.open()
        let id = fixture.accounts[0].string
        let page = try await fixture.page("select name, INDUSTRY, Id, AnnualRevenue from ACCOUNT where Id = '\(id)'")
        #expect(page.totalSize == 1)
        #expect(page.isDone)
        #expect(
            page.records == [
                .object([
                    .init(
                        name: "attributes",
                        value: .object([
                            .init(name: "type", value: .string("Account")),
                            .init(name: "url", value: .string("/services/data/v66.0/sobjects/Account/\(id)")),
                        ])),
                    .init(name: "Name", value: .string("Acme")), .init(name: "Industry", value: .string("Energy")),
                    .init(name: "Id", value: .string(id)), .init(name: "AnnualRevenue", value: .number("1500000.0")),
                ])
            ])
    }

    /// An org of one language and one currency shows the values themselves.
    @Test func labelsAndCurrenciesAreTheValuesThemselves() async throws {
        let fixture = try await QueryFixture.open()
        let records = try await fixture.records(
            """
            SELECT toLabel(Industry), FORMAT(AnnualRevenue) formatted, convertCurrency(AnnualRevenue) FROM Account
            WHERE Id = '\(fixture.accounts[0].string)'
            """)
        #expect(records.count == 1)
        #expect(records[0]["Industry"] == .string("Energy"))
        #expect(records[0]["formatted"] == .number("1500000.0"))
        #expect(records[0]["AnnualRevenue"] == .number("1500000.0"))
    }

    @Test func parentsAreNestedAndMissingOnesAreNull() async throws {
        let fixture = try await QueryFixture.open()
        let records = try await fixture.records(
            """
            SELECT CaseNumber, Contact.Name, Contact.Account.Name, Contact.Account.Owner.Alias, Contact.Id
            FROM Case ORDER BY CaseNumber
            """)
        #expect(records.count == 6)
        let contact = try #require(records[0]["Contact"]?.dictionary)
        #expect(contact["Name"] == .string("Ada Lovelace"))
        #expect(contact["Id"] == .string(fixture.contacts[0].string))
        #expect(contact["attributes"]?.dictionary["type"] == .string("Contact"))
        let account = try #require(contact["Account"]?.dictionary)
        #expect(account["Name"] == .string("Acme"))
        #expect(account["Owner"]?.dictionary["Alias"] == .string("user"))
        #expect(records[5]["Contact"] == .null)
    }

    @Test func childrenAreANestedResultAndNoneAreNull() async throws {
        let fixture = try await QueryFixture.open()
        let records = try await fixture.records(
            """
            SELECT Name, (SELECT FirstName, Account.Name FROM Contacts WHERE FirstName != 'Bo' ORDER BY FirstName DESC)
            FROM Account ORDER BY Name
            """)
        let byName = Dictionary(uniqueKeysWithValues: records.map { ($0["Name"], $0["Contacts"]) })
        let contacts = try #require(byName[.string("Acme")]??.dictionary)
        #expect(contacts["totalSize"] == .number("1"))
        #expect(contacts["done"] == .boolean(true))
        let first = try #require(contacts["records"]?.elements.first?.dictionary)
        #expect(first["FirstName"] == .string("Ada"))
        #expect(first["Account"]?.dictionary["Name"] == .string("Acme"))
        #expect(byName[.string("Zürich AG")] == .some(.null))
    }

    @Test func childrenOfChildrenAreNestedWithinThem() async throws {
        let fixture = try await QueryFixture.open()
        let records = try await fixture.records(
            "SELECT Name, (SELECT Name, (SELECT Subject FROM Cases ORDER BY Subject) FROM Contacts) FROM Account "
                + "WHERE Name = 'Acme'")
        let contacts = try #require(records[0]["Contacts"]?.dictionary["records"]?.elements)
        let subjects = contacts.map { contact in
            contact.dictionary["Cases"]?.dictionary["records"]?.elements.map { $0.dictionary["Subject"] } ?? []
        }
        #expect(subjects.map(\.count) == [3, 2])
        #expect(subjects.first?.first == .string("Case 0"))
    }

    /// Two levels of the same SQL text: the inner select must not disturb the outer one.
    @Test func hierarchiesOfOneObjectNest() async throws {
        let fixture = try await QueryFixture.open()
        for (child, parent) in [(1, 0), (2, 0), (3, 1)] {
            try await fixture.org.update(
                "Account", fixture.accounts[child], [("ParentId", .string(fixture.accounts[parent].string))])
        }
        let soql = """
            SELECT Id, (SELECT Id, (SELECT Id, (SELECT Id FROM ChildAccounts) FROM ChildAccounts) FROM ChildAccounts)
            FROM Account WHERE ParentId = null
            """
        // Three times, so that the statements are kept ones.
        for _ in 0..<3 {
            let record = try await fixture.records(soql)
            #expect(record.count == 1)
            let children = try #require(record[0]["ChildAccounts"]?.dictionary["records"]?.elements)
            #expect(children.count == 2)
            #expect(children[0].dictionary["ChildAccounts"]?.dictionary["totalSize"] == .number("1"))
            #expect(children[1].dictionary["ChildAccounts"] == .null)
        }
    }

    @Test func compoundFieldsAreObjects() async throws {
        let fixture = try await QueryFixture.open()
        let records = try await fixture.records("SELECT BillingAddress FROM Account ORDER BY CreatedDate, Id")
        #expect(records[0]["BillingAddress"]?.dictionary["city"] == .string("Berlin"))
        #expect(records[0]["BillingAddress"]?.dictionary["street"] == .null)
        #expect(records[3]["BillingAddress"] == .null)
        let contact = try await fixture.records("SELECT Account.BillingAddress FROM Contact WHERE FirstName = 'Cy'")
        #expect(
            contact[0]["Account"]?.dictionary["BillingAddress"]?.dictionary["city"] == .string("Kiel"))
    }

    @Test func derivedFieldsAreSelectedFilteredAndSorted() async throws {
        let fixture = try await QueryFixture.open()
        let emails = try await fixture.column(
            "ContactEmail", "SELECT ContactEmail FROM Case WHERE ContactEmail LIKE 'a%' ORDER BY ContactEmail")
        #expect(emails == ["ada@example.com", "ada@example.com", "ada@example.com"].map { _ in emails.first ?? "" })
        #expect(emails.count == 3)
        let groups = try await fixture.records(
            "SELECT ContactEmail, COUNT(Id) n FROM Case GROUP BY ContactEmail ORDER BY ContactEmail NULLS LAST")
        #expect(groups.map { $0["n"] } == [.number("3"), .number("2"), .number("1")])
    }

    /// The type of a polymorphic parent is no field of any object: two of them once counted as the same field.
    @Test func typesOfTwoPolymorphicParentsAreTwoFields() async throws {
        let fixture = try await QueryFixture.open()
        _ = try await fixture.org.create(
            "Task",
            [
                ("Subject", .string("Call")), ("WhoId", .string(fixture.contacts[0].string)),
                ("WhatId", .string(fixture.cases[0].string)),
            ])
        let tasks = try await fixture.records("SELECT Who.Type, What.Type FROM Task")
        #expect(tasks[0]["Who"]?.dictionary["Type"] == .string("Contact"))
        #expect(tasks[0]["What"]?.dictionary["Type"] == .string("Case"))
        #expect(await fixture.refusal("SELECT Who.Type, who.type FROM Task")?.errorCode == "INVALID_FIELD")
    }

    @Test func fieldGroupsHoldWhatTheySay() async throws {
        let fixture = try await QueryFixture.open()
        let all = try await fixture.records("SELECT FIELDS(ALL) FROM Account LIMIT 200")
        #expect(all.count == 4)
        #expect(all[0]["Name"] == .string("Acme"))
        #expect(all[0]["SystemModstamp"] != nil)
        #expect(all[0]["BillingCity"] == .string("Berlin"))
        let standard = try await fixture.records("SELECT FIELDS(STANDARD) FROM Account")
        #expect(standard[0].count == all[0].count)
        let refusal = await fixture.refusal("SELECT FIELDS(ALL) FROM Account LIMIT 201")
        #expect(refusal?.errorCode == "MALFORMED_QUERY")
        #expect(refusal?.message.contains("must have a LIMIT of at most 200") == true)
    }

    @Test func theGroupOfCustomFieldsHoldsNoOthers() async throws {
        let fixture = try await QueryFixture.open()
        let cases = try await fixture.records("SELECT FIELDS(CUSTOM) FROM Case LIMIT 200")
        #expect(cases.count == 6)
        for record in cases {
            #expect(Set(record.keys) == ["attributes", "Vehicle_Model__c", "VIN__c", "Mileage__c"])
        }
        let beside = try await fixture.records("SELECT Id, FIELDS(CUSTOM) FROM Case LIMIT 200")
        #expect(beside.first?.count == 5)
        let refusal = await fixture.refusal("SELECT FIELDS(CUSTOM) FROM Case")
        #expect(refusal?.errorCode == "MALFORMED_QUERY")
        #expect(refusal?.message.contains("must have a LIMIT of at most 200") == true)
    }

    @Test func deletedRecordsAreSeenByQueryAllOnly() async throws {
        let fixture = try await QueryFixture.open()
        try await fixture.org.delete("Case", fixture.cases[0])
        #expect(try await fixture.page("SELECT Id FROM Case").totalSize == 5)
        let all = try await fixture.records("SELECT Id, IsDeleted FROM Case WHERE IsDeleted = true", .all)
        #expect(all.map { $0["Id"] } == [.string(fixture.cases[0].string)])
        #expect(try await fixture.page("SELECT Id FROM Case WHERE IsDeleted = true").totalSize == 0)
        #expect(try await fixture.page("SELECT COUNT() FROM Case", .all).totalSize == 6)
        #expect(try await fixture.page("SELECT Id FROM Case ALL ROWS").totalSize == 6)
    }

    @Test func aliasesAndScopesAndPurposesAreAccepted() async throws {
        let fixture = try await QueryFixture.open()
        for soql in [
            "SELECT c.Id, c.Contact.Name FROM Case c WHERE c.Status = 'New' AND c.Contact.Name = 'Ada Lovelace'",
            "SELECT Case.Id FROM Case WHERE Case.Status = 'New' AND Contact.FirstName = 'ADA'",
            "SELECT Id FROM Case USING SCOPE everything WHERE ContactId != null AND Status = 'New' AND Priority = 'high'",
        ] {
            #expect(try await fixture.page(soql).totalSize == 2, "\(soql)")
        }
        for purpose in ["FOR VIEW", "FOR REFERENCE", "FOR UPDATE", "FOR VIEW FOR REFERENCE"] {
            #expect(try await fixture.page("SELECT Id FROM Case LIMIT 1 \(purpose)").totalSize == 1)
        }
        #expect(try await fixture.page("SELECT Id FROM Case WITH SECURITY_ENFORCED").totalSize == 6)
        #expect(try await fixture.page("SELECT Id FROM Case WITH USER_MODE ORDER BY Id").totalSize == 6)
    }
}
