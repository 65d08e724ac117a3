import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct FormulaFieldTests {
    static let schema = """
        {"objects": {
          "Contact": {"fields": {
            "Place__c": {"type": "Text", "formula": "MailingCity & ', ' & MailingCountry"},
            "Of__c": {"type": "Text", "formula": "Account.Name & ' / ' & Account.Parent.Name"},
            "Known_For__c": {"type": "Number", "precision": 6, "scale": 0, "formula": "TODAY() - Birthdate"},
            "Twice__c": {"type": "Text", "formula": "Place__c & Place__c"},
            "Is_Local__c": {"type": "Checkbox", "formula": "IF(ISBLANK(MailingCity), FALSE, MailingCity = 'Kiel')"}}},
          "Account": {"fields": {
            "Share__c": {"type": "Percent", "precision": 5, "scale": 1},
            "Worth__c": {"type": "Currency", "precision": 18, "scale": 2, "formula": "AnnualRevenue * Share__c"}}}}}
        """

    private func org() async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(Self.schema)
        return try await TestOrg.open { $0.schema = definitions }
    }

    @Test func formulasAreReadWithTheRecord() async throws {
        let org = try await org()
        let top = try await org.create("Account", [("Name", .string("Top"))])
        let account = try await org.create(
            "Account",
            [
                ("Name", .string("Volt")), ("ParentId", .string(top.string)), ("AnnualRevenue", .number("1000")),
                ("Share__c", .number("12.5")),
            ])
        let contact = try await org.create(
            "Contact",
            [
                ("LastName", .string("L")), ("AccountId", .string(account.string)), ("MailingCity", .string("Kiel")),
                ("MailingCountry", .string("DE")), ("Birthdate", .string("2026-02-07")),
            ])
        let record = try await org.retrieve("Contact", contact)
        #expect(record["Place__c"] == .string("Kiel, DE"))
        #expect(record["Twice__c"] == .string("Kiel, DEKiel, DE"))
        #expect(record["Of__c"] == .string("Volt / Top"))
        #expect(record["Known_For__c"] == .number("10.0"))
        #expect(record["Is_Local__c"] == .boolean(true))
        #expect(try await org.retrieve("Account", account)["Worth__c"] == .number("125.0"))
        // A parent's change is seen at once.
        try await org.update("Account", top, [("Name", .string("Peak"))])
        #expect(try await org.retrieve("Contact", contact, fields: ["Of__c"])["Of__c"] == .string("Volt / Peak"))
        let refused = await org.failure { () async throws(OrgError) in
            try await org.update("Contact", contact, [("Place__c", .string("x"))])
        }
        #expect(refused?.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
    }

    /// In the schema; with their value where the record's own change moves them, and never an event by themselves.
    @Test func eventsCarryFormulas() async throws {
        let org = try await org()
        let account = try await org.create("Account", [("Name", .string("Volt"))])
        let contact = try await org.create(
            "Contact",
            [("LastName", .string("L")), ("AccountId", .string(account.string)), ("MailingCity", .string("Kiel"))])
        org.clock.advance(.seconds(2))
        try await org.update("Contact", contact, [("MailingCity", .string("Bonn"))])
        let before = try await org.events("/data/ContactChangeEvent")
        #expect(before[0].values["Of__c"] == .string("Volt / "))
        #expect(before[0].values["Is_Local__c"] == .boolean(true))
        #expect(Set(before[1].changedFields).isSuperset(of: ["MailingAddress.City", "Place__c", "Is_Local__c"]))
        #expect(before[1].values["Is_Local__c"] == .boolean(false))
        #expect(before[1].values["Of__c"] == nil)
        try await org.update("Account", account, [("Name", .string("Ohm"))])
        #expect(try await org.events("/data/ContactChangeEvent").count == 2)
    }

    @Test func describeShowsTheFormula() async throws {
        let org = try await org()
        let answer = try await org.sandbox.describe(object: "Account", context: org.context).dictionary
        let fields = (answer["fields"] ?? .null).elements.map(\.dictionary)
        let worth = try #require(fields.first { $0["name"] == .string("Worth__c") })
        #expect(worth["calculated"] == .boolean(true))
        #expect(worth["calculatedFormula"] == .string("AnnualRevenue * Share__c"))
        #expect(worth["type"] == .string("currency"))
        #expect(worth["createable"] == .boolean(false))
    }

    @Test(arguments: [
        ("Nothing__c + 1", "Nothing__c"), ("Name +", "Syntax error"), ("F__c & 'x'", "refers to itself"),
        ("G__c", "has no formula that can be used"),
    ])
    func aWrongFormulaSaysWhy(formula: String, expected: String) throws {
        do {
            _ = try SchemaNodes.definitions(
                """
                {"objects": {"Account": {"fields": {"F__c": {"type": "Text", "formula": "\(formula)"},
                  "G__c": {"type": "Text", "formula": "F__c"}}}}}
                """)
            Issue.record("\(formula) is no formula")
        } catch let error as SchemaMistakes {
            #expect(error.mistakes.contains { $0.message.contains(expected) }, "\(error)")
        }
    }
}
