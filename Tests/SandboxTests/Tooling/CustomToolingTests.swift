import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct CustomToolingTests {
    private func create(
        _ org: TestOrg, _ object: String, _ fullName: String, _ metadata: JSONValue
    ) async throws(OrgError) -> String {
        try await org.sandbox.toolingCreate(
            object: object,
            fields: [.init(name: "FullName", value: .string(fullName)), .init(name: "Metadata", value: metadata)],
            context: org.context)
    }

    private func json(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }

    private var text: JSONValue {
        json([
            ("type", .string("Text")), ("label", .string("Tier")), ("length", .number("20")),
            ("required", .boolean(false)),
        ])
    }

    @Test func platformEventsAreDefinedUpToALimit() async throws {
        let definitions = try SchemaNodes.definitions(
            #"{"events": {"Ping__e": {"fields": {}}, "Pong__e": {"fields": {}}}}"#)
        let event = json([
            ("label", .string("More")), ("pluralLabel", .string("More")), ("eventType", .string("HighVolume")),
            ("publishBehavior", .string("PublishAfterCommit")),
        ])
        let org = try await TestOrg.open {
            $0.schema = definitions
            $0.allocations.platformEventDefinitions = 3
        }
        _ = try await create(org, "CustomObject", "Third__e", event)
        let fourth = await org.failure { () async throws(OrgError) in
            _ = try await create(org, "CustomObject", "Fourth__e", event)
        }
        #expect(fourth?.errorCode == "LIMIT_EXCEEDED")
        #expect(fourth?.message == "The maximum number of platform event definitions (3) has been reached.")
        // A smaller edition leaves what there is, and lets it be changed.
        let smaller = try await org.reopened { $0.allocations.platformEventDefinitions = 1 }
        #expect(smaller.sandbox.catalogue.events.count == 3)
        _ = try await create(
            smaller, "CustomField", "Third__e.Note__c",
            json([("type", .string("Text")), ("label", .string("Note")), ("length", .number("40"))]))
    }

    @Test func aFieldIsMadeUsedAndDeleted() async throws {
        let org = try await TestOrg.open()
        let id = try await create(org, "CustomField", "Account.Tier__c", text)
        #expect(id.hasPrefix("00N"))
        let account = try await org.create("Account", [("Name", .string("A")), ("Tier__c", .string("Gold"))])
        let row = try await org.sandbox.toolingRetrieve(
            object: "CustomField", id: id, fields: nil, context: org.context
        ).dictionary
        #expect(row["FullName"] == .string("Account.Tier__c"))
        #expect(row["Metadata"]?.dictionary["length"] == .number("20"))
        let again = await org.failure { () async throws(OrgError) in
            _ = try await create(org, "CustomField", "Account.Tier__c", text)
        }
        #expect(again?.errorCode == "DUPLICATE_DEVELOPER_NAME")
        try await org.sandbox.toolingDelete(object: "CustomField", id: id, context: org.context)
        #expect(try await org.retrieve("Account", account)["Tier__c"] == nil)
    }

    @Test func aFieldBelongsToItsObjectHoweverThatIsWritten() async throws {
        let org = try await TestOrg.open()
        let id = try await create(org, "CustomField", "account.Tier__c", text)
        let row = try await org.sandbox.toolingRetrieve(
            object: "CustomField", id: id, fields: ["FullName", "TableEnumOrId"], context: org.context
        ).dictionary
        #expect(row["FullName"] == .string("Account.Tier__c"))
        #expect(row["TableEnumOrId"] == .string("Account"))
    }

    @Test func anObjectAndAnEventAreMade() async throws {
        let org = try await TestOrg.open()
        let object = json([
            ("label", .string("Garage")), ("pluralLabel", .string("Garages")),
            ("deploymentStatus", .string("Deployed")),
            ("sharingModel", .string("ReadWrite")),
            ("nameField", json([("type", .string("Text")), ("label", .string("Garage Name"))])),
        ])
        let id = try await create(org, "CustomObject", "Garage__c", object)
        #expect(id.hasPrefix("01I"))
        let garage = try await org.create("Garage__c", [("Name", .string("G"))])
        #expect(garage.keyPrefix == "a00")
        _ = try await create(
            org, "CustomObject", "Full__e",
            json([("label", .string("Full")), ("publishBehavior", .string("PublishImmediately"))]))
        #expect(org.sandbox.catalogue.event("Full__e")?.publishesAfterCommit == false)
        try await org.sandbox.toolingDelete(object: "CustomObject", id: id, context: org.context)
        #expect(org.sandbox.catalogue.object("Garage__c") == nil)
    }

    @Test func wrongMetadataIsRefused() async throws {
        let org = try await TestOrg.open()
        let wrong: [(String, String, JSONValue)] = [
            ("CustomField", "Tier__c", text), ("CustomField", "Account.Tier", text),
            ("CustomField", "Nothing__c.Tier__c", text), ("CustomField", "Account.T__c", json([])),
            ("CustomObject", "Garage", json([])),
        ]
        for (object, name, metadata) in wrong {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await create(org, object, name, metadata)
            }
            #expect(error?.errorCode == "FIELD_INTEGRITY_EXCEPTION", "\(name)")
        }
    }

    @Test func whatIsUsedIsNotDeleted() async throws {
        let definitions = try SchemaNodes.definitions(RollUpTests.fleet)
        let org = try await TestOrg.open { $0.schema = definitions }
        let custom = org.sandbox.schema.custom
        let price = try #require(custom.field("Price__c", of: "Car__c")).id
        let fleet = try #require(custom.object("Fleet__c")).id
        for (object, id) in [("CustomField", price), ("CustomObject", fleet)] {
            let error = await org.failure { () async throws(OrgError) in
                try await org.sandbox.toolingDelete(object: object, id: id, context: org.context)
            }
            #expect(error?.errorCode == "DEPENDENCY_EXISTS")
        }
    }
}
