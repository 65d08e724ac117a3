import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

struct SchemaChangeTests {
    static let vehicles = """
        {"objects": {
          "Vehicle__c": {"label": "Vehicle", "nameField": {"type": "AutoNumber", "displayFormat": "V-{0000}"}, "fields": {
            "VIN__c": {"type": "Text", "length": 17, "unique": "true", "externalId": "true"},
            "Model__c": {"type": "Picklist", "values": ["S", "X"], "restricted": "true"},
            "Extras__c": {"type": "MultiselectPicklist", "values": ["Roof", "Tow", "Heat"]},
            "Price__c": {"type": "Currency", "precision": 10, "scale": 2},
            "Share__c": {"type": "Percent", "precision": 5, "scale": 1},
            "Opens__c": {"type": "Time"},
            "Notes__c": {"type": "Html"},
            "Place__c": {"type": "Location", "scale": 4},
            "Sold__c": {"type": "Checkbox"},
            "Owner_Account__c": {"type": "Lookup", "referenceTo": "Account", "relationshipName": "Vehicles"}
          }},
          "Account": {"fields": {"Tier__c": {"type": "Text", "length": 10}}}},
         "events": {"Low_Charge__e": {"publishBehavior": "PublishImmediately", "fields": {
            "Level__c": {"type": "Number", "precision": 3}, "VIN__c": {"type": "Text", "length": 17}}}}}
        """

    static func org() async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(vehicles)
        return try await TestOrg.open { $0.schema = definitions }
    }

    /// After 3,844 objects the prefixes begin anew: one that is in use would make two objects of one id.
    @Test func noTwoObjectsHaveOnePrefix() {
        var schema = CustomSchema()
        func make(_ name: String) -> String? {
            schema.put(CustomSchema.Object(name: name, label: "", pluralLabel: "")) { $0 + "000000000001AAA" }
            return schema.object(name)?.keyPrefix
        }
        #expect(make("Kept__c") == "a00")
        for _ in 1..<3_844 {
            _ = make("Passing__c")
            schema.removeObject("Passing__c")
        }
        #expect(make("Next__c") == "a01")
    }

    @Test func anOrgHasSoManyObjects() {
        var schema = CustomSchema()
        schema.objects = (0...SchemaCheck.objectsMax).map {
            CustomSchema.Object(name: "O\($0)__c", label: "", pluralLabel: "")
        }
        let problems = SchemaCheck.problems(of: schema, standard: Catalogue([]))
        #expect(problems.map(\.path) == ["O\(SchemaCheck.objectsMax)__c"])
    }

    @Test func customObjectsTakeRecords() async throws {
        let org = try await Self.org()
        let account = try await org.create("Account", [("Name", .string("A")), ("Tier__c", .string("Gold"))])
        let id = try await org.create(
            "Vehicle__c",
            [
                ("VIN__c", .string("WVW1")), ("Model__c", .string("S")), ("Extras__c", .string("Heat;Roof")),
                ("Price__c", .number("12.345")), ("Share__c", .number("10")), ("Opens__c", .string("08:30:00Z")),
                ("Notes__c", .string("<b>n</b>")), ("Place__Latitude__s", .number("48.1")),
                ("Place__Longitude__s", .number("11.5")), ("Owner_Account__c", .string(account.string)),
            ])
        #expect(id.keyPrefix == "a00")
        let record = try await org.retrieve("Vehicle__c", id)
        #expect(record["Name"] == .string("V-0001"))
        #expect(record["Extras__c"] == .string("Roof;Heat"))
        #expect(record["Price__c"] == .number("12.35"))
        #expect(record["Opens__c"] == .string("08:30:00.000Z"))
        #expect(record["Sold__c"] == .boolean(false))
        #expect(record["Place__c"]?.dictionary["latitude"] == .number("48.1"))
        #expect(record["Owner_Account__c"] == .string(account.string))
        #expect(try await org.retrieve("Account", account)["Tier__c"] == .string("Gold"))
        let wrong = await org.failure { () async throws(OrgError) in
            try await org.update("Vehicle__c", id, [("Place__Latitude__s", .number("91"))])
        }
        #expect(wrong?.errorCode == "NUMBER_OUTSIDE_VALID_RANGE")
    }

    /// The kinds as a real schema writes them.
    @Test func eventSchemasHaveTheKinds() async throws {
        let org = try await Self.org()
        let schema = try #require(org.sandbox.captured["Vehicle__c"]).schema
        #expect(schema.recordName == "Vehicle__ChangeEvent")
        let kinds = Dictionary(uniqueKeysWithValues: schema.fields.map { ($0.name, $0.kind) })
        #expect(kinds["Extras__c"] == "Data:MultiEnum")
        #expect(kinds["Share__c"] == "Data:Percent")
        #expect(kinds["Opens__c"] == "Data:TimeOnly")
        #expect(kinds["Notes__c"] == "Data:HtmlStringPlusClob")
        let place = try #require(schema.fields.first { $0.name == "Place__c" })
        #expect(place.kind == "Data:Location")
        #expect(place.flatNames == ["Place__Latitude__s", "Place__Longitude__s"])
        #expect(
            schema.fields.prefix(7).map(\.name) == [
                "ChangeEventHeader", "OwnerId", "Name", "CreatedDate", "CreatedById", "LastModifiedDate",
                "LastModifiedById",
            ])
        let event = try #require(org.sandbox.schema.eventSchemas["Low_Charge__e"])
        #expect(event.fields.map(\.name) == ["CreatedDate", "CreatedById", "Level__c", "VIN__c"])
        #expect(!event.isChangeEvent)
        let definition = try #require(org.sandbox.catalogue.event("low_charge__e"))
        #expect(definition.isPlatformEvent && !definition.publishesAfterCommit)
        #expect(org.sandbox.catalogue.object("Low_Charge__e") == nil)
    }

    /// A field added while subscribers read: new events have a new schema id, old ones stay readable.
    @Test func aNewFieldGivesANewSchemaID() async throws {
        let org = try await Self.org()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let before = try #require(org.sandbox.captured["Account"]).schema.id
        let more = try SchemaNodes.definitions(
            #"{"objects": {"Account": {"fields": {"Rank__c": {"type": "Number", "precision": 4}}}}}"#)
        try await org.sandbox.deploy(more)
        let after = try #require(org.sandbox.captured["Account"]).schema.id
        #expect(before != after)
        try await org.update("Account", account, [("Rank__c", .number("7"))])
        let received = try await org.received("/data/AccountChangeEvent")
        #expect(received.map(\.schemaID) == [before, after])
        let events = try await org.events("/data/AccountChangeEvent")
        #expect(events.last?.changedFields.contains("Rank__c") == true)
        try await org.sandbox.changeSchema { schema, _ in schema.removeField("Rank__c", of: "Account") }
        #expect(try #require(org.sandbox.captured["Account"]).schema.id == before)
        #expect(try await org.retrieve("Account", account)["Rank__c"] == nil)
    }

    @Test func definitionsSurviveARestart() async throws {
        let org = try await Self.org()
        let id = try await org.create("Vehicle__c", [("VIN__c", .string("W1"))])
        let schemaID = try #require(org.sandbox.captured["Vehicle__c"]).schema.id
        let again = try await org.reopened()
        #expect(try #require(again.sandbox.captured["Vehicle__c"]).schema.id == schemaID)
        #expect(try await again.retrieve("Vehicle__c", id)["VIN__c"] == .string("W1"))
        let next = try await again.create("Vehicle__c", [])
        #expect(try await again.retrieve("Vehicle__c", next)["Name"] == .string("V-0002"))
        // The same file once more changes nothing.
        let version = again.sandbox.schema.version
        try await again.sandbox.deploy(SchemaNodes.definitions(Self.vehicles))
        #expect(again.sandbox.schema.version == version)
    }

    /// Was: null for whoever read it, until the record was changed for another reason, and then false without an event.
    @Test func aNewCheckboxIsUncheckedInTheRecordsThatAreThere() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("Older"))])
        let before = try await org.retrieve("Account", id)
        try await org.sandbox.deploy(
            SchemaNodes.definitions(#"{"objects": {"Account": {"fields": {"New__c": {"type": "Checkbox"}}}}}"#))
        let stored = try await org.sandbox.twin.store.read { try $0.record(entity: "Account", id: id) }
        #expect(stored?.image.fields["New__c"] == .boolean(false))
        let after = try await org.retrieve("Account", id)
        #expect(after["New__c"] == .boolean(false))
        #expect(after["SystemModstamp"] == before["SystemModstamp"])
    }

    @Test func aRefusedChangeChangesNothing() async throws {
        let org = try await Self.org()
        let version = org.sandbox.schema.version
        let other = try SchemaNodes.definitions(
            #"{"objects": {"Account": {"fields": {"Tier__c": {"type": "Number"}, "New__c": {"type": "Checkbox"}}}}}"#)
        await #expect(throws: OrgError.self) { try await org.sandbox.deploy(other) }
        #expect(org.sandbox.schema.version == version)
        #expect(org.sandbox.catalogue.object("Account")?.field("New__c") == nil)
    }
}
