import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct UpsertTests {
    private func org() async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(
            """
            {"objects": {"Account": {"fields": {
              "Key__c": {"type": "Text", "length": 20, "unique": "true", "externalId": "true"},
              "Exact__c": {"type": "Text", "length": 20, "unique": "true", "caseSensitive": "true"},
              "Loose__c": {"type": "Text", "length": 20, "externalId": "true"},
              "Number__c": {"type": "Number", "precision": 8, "externalId": "true"}}}}}
            """)
        return try await TestOrg.open { $0.schema = definitions }
    }

    private func upsert(
        _ org: TestOrg, _ field: String, _ value: String, name: String
    ) async throws -> (id: RecordID, isCreated: Bool) {
        let (id, isCreated) = try await org.sandbox.transaction { transaction in
            let answer = try transaction.upsert("Account", by: field, value, ["Name": .string(name)])
            return (answer.id, answer.isCreated)
        }
        return (id, isCreated)
    }

    @Test func createsAndThenUpdates() async throws {
        let org = try await org()
        let first = try await upsert(org, "Key__c", "a-1", name: "One")
        #expect(first.isCreated)
        let second = try await upsert(org, "key__c", "A-1", name: "Two")
        #expect(second.id == first.id && !second.isCreated)
        #expect(try await org.retrieve("Account", first.id)["Name"] == .string("Two"))
        #expect(try await org.retrieve("Account", first.id)["Key__c"] == .string("a-1"))
        let numbered = try await upsert(org, "Number__c", "42", name: "N")
        #expect(numbered.isCreated)
        #expect(try await upsert(org, "Number__c", "42.0", name: "N").id == numbered.id)
        #expect(try await upsert(org, "Id", first.id.string, name: "Three").id == first.id)
    }

    @Test func severalMatchesAreToldWithTheirIDs() async throws {
        let org = try await org()
        let one = try await org.create("Account", [("Name", .string("A")), ("Loose__c", .string("x"))])
        let other = try await org.create("Account", [("Name", .string("B")), ("Loose__c", .string("X"))])
        do {
            _ = try await upsert(org, "Loose__c", "x", name: "C")
            Issue.record("several records match")
        } catch let error as ExternalIDMatches {
            #expect(error.ids == [one, other])
            #expect(error.orgError.errorCode == "DUPLICATE_EXTERNAL_ID")
        }
    }

    @Test(arguments: [
        ("Site", "x", "NOT_FOUND"), ("Nothing__c", "x", "NOT_FOUND"), ("Number__c", "abc", "JSON_PARSER_ERROR"),
        ("Id", "abc", "MALFORMED_ID"), ("Id", "001000000000000AAA", "NOT_FOUND"), ("Key__c", "", "JSON_PARSER_ERROR"),
    ])
    func wrongKeysAreRefused(field: String, value: String, code: String) async throws {
        let org = try await org()
        do {
            _ = try await upsert(org, field, value, name: "C")
            Issue.record("\(field) = \(value) is no key")
        } catch let error as OrgError {
            #expect(error.errorCode == code)
        }
    }

    @Test func uniqueValuesAreRefusedASecondTime() async throws {
        let org = try await org()
        let first = try await org.create("Account", [("Name", .string("A")), ("Key__c", .string("k"))])
        let again = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Account", [("Name", .string("B")), ("Key__c", .string("K"))])
        }
        #expect(
            again
                == OrgError(
                    status: 400, errorCode: "DUPLICATE_VALUE",
                    message: "duplicate value found: Key__c duplicates value on record with id: \(first.short)",
                    fields: ["Key__c"]))
        // Case counts where the field says so.
        _ = try await org.create("Account", [("Name", .string("C")), ("Exact__c", .string("e"))])
        let other = try await org.create("Account", [("Name", .string("D")), ("Exact__c", .string("E"))])
        let changed = await org.failure { () async throws(OrgError) in
            try await org.update("Account", other, [("Exact__c", .string("e"))])
        }
        #expect(changed?.errorCode == "DUPLICATE_VALUE")
        // Its own value is no duplicate, and a deleted record's is free.
        try await org.update("Account", other, [("Exact__c", .string("E"))])
        try await org.delete("Account", first)
        _ = try await org.create("Account", [("Name", .string("B")), ("Key__c", .string("K"))])
    }

    /// A parent named by its own external id, as REST bodies may.
    @Test func parentsAreNamedByTheirExternalIDs() async throws {
        let org = try await org()
        let account = try await org.create("Account", [("Name", .string("A")), ("Key__c", .string("k-1"))])
        func member(_ parent: [(String, JSONValue)]) -> [JSONValue.Member] {
            [
                .init(name: "LastName", value: .string("L")),
                .init(name: "account", value: .object(parent.map { .init(name: $0.0, value: $0.1) })),
            ]
        }
        func reference(_ members: [JSONValue.Member]) async throws -> FieldValue? {
            try await org.sandbox.transaction { try $0.values($0.definition("Contact"), members)["AccountId"] }
        }
        #expect(try await reference(member([("Key__c", .string("K-1"))])) == .string(account.string))
        #expect(try await reference(member([])) == nil)
        for wrong in [
            member([("Key__c", .string("none"))]), member([("Site", .string("x"))]),
            member([("Key__c", .string("k-1")), ("Number__c", .number("1"))]),
        ] {
            await #expect(throws: OrgError.self) { _ = try await reference(wrong) }
        }
    }
}
