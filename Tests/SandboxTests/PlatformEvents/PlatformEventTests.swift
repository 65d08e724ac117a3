import ChangeEvents
import Doors
import NIOCore
import Testing

@testable import Sandbox

/// Platform events: what may be in them, how they are published, and what becomes of them.
struct PlatformEventTests {
    private static let definitions = """
        {"events": {
          "Low_Charge__e": {"publishBehavior": "PublishImmediately", "fields": {
            "Level__c": {"type": "Number", "precision": 3}, "VIN__c": {"type": "Text", "length": 17}}},
          "Repair_Done__e": {"publishBehavior": "PublishAfterCommit", "fields": {
            "Case__c": {"type": "Text", "length": 18, "required": "true"}, "Final__c": {"type": "Checkbox"}}}}}
        """
    private static let topic = "/event/Low_Charge__e"

    static func org(_ configure: (inout Sandbox.Configuration) -> Void = { _ in }) async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(Self.definitions)
        return try await TestOrg.open {
            $0.schema = definitions
            configure(&$0)
        }
    }

    private static func event(_ org: TestOrg, _ name: String) throws -> ObjectDefinition {
        try #require(org.sandbox.catalogue.event(name))
    }

    private func values(_ org: TestOrg, _ topic: String) async throws -> [[String: FieldValue]] {
        var values: [[String: FieldValue]] = []
        for event in try await org.received(topic) {
            let text = try await org.sandbox.schemaJSON(event.schemaID.string, caller: org.caller)
            values.append(try EventSchema(json: text).values(of: event.payload))
        }
        return values
    }

    /// The UUID is the event's id, and stands in no field.
    @Test func trap25APublishedEventHasItsUUIDAsID() async throws {
        let org = try await Self.org()
        let event = try Self.event(org, "Low_Charge__e")
        let answer = try await org.sandbox.transaction { transaction in
            try transaction.publish(event, [.init(name: "level__c", value: .number("7"))])
        }
        #expect(answer.id.hasPrefix("e0"))
        #expect(answer.id.utf8.count == 18)
        let received = try await org.received(Self.topic)
        #expect(received.map(\.eventID) == [answer.uuid])
        let found = try #require(try await values(org, Self.topic).first)
        #expect(found["Level__c"] == .double(7))
        #expect(found["VIN__c"] == .null)
        // Milliseconds, unlike the dates of records.
        #expect(found["CreatedDate"] == .dateTime(milliseconds: 1_771_300_995_250))
        #expect(found["CreatedById"] == .string(org.sandbox.organization.users[0].id))
        #expect(found["EventUuid"] == nil)
    }

    @Test func topicAndSchemaAreKnown() async throws {
        let org = try await Self.org()
        let topic = try await org.sandbox.topic(Self.topic, caller: org.caller)
        #expect(topic.canPublish && topic.canSubscribe)
        let schema = try EventSchema(json: try await org.sandbox.schemaJSON(topic.schemaID, caller: org.caller))
        #expect(schema.recordName == "Low_Charge__e")
        #expect(schema.fields.map(\.name) == ["CreatedDate", "CreatedById", "Level__c", "VIN__c"])
    }

    @Test func afterCommitIsLostWithARollbackAndImmediatelyIsNot() async throws {
        struct Refused: Error {}
        let org = try await Self.org()
        let immediate = try Self.event(org, "Low_Charge__e")
        let afterCommit = try Self.event(org, "Repair_Done__e")
        await #expect(throws: Refused.self) {
            try await org.sandbox.transaction { transaction in
                _ = try transaction.publish(immediate, [])
                _ = try transaction.publish(afterCommit, [.init(name: "Case__c", value: .string("500"))])
                _ = try transaction.create("Account", ["Name": .string("never")])
                throw Refused()
            }
        }
        #expect(try await org.received(Self.topic).count == 1)
        #expect(try await org.received("/event/Repair_Done__e").isEmpty)
        #expect(try await org.events().isEmpty)
        #expect(org.sandbox.eventUsage.figures.published == 1)
    }

    @Test func aSavepointTakesAfterCommitEventsBack() async throws {
        struct Refused: Error {}
        let org = try await Self.org()
        let immediate = try Self.event(org, "Low_Charge__e")
        let afterCommit = try Self.event(org, "Repair_Done__e")
        try await org.sandbox.transaction { transaction in
            let done = [JSONValue.Member(name: "Case__c", value: .string("500"))]
            _ = try transaction.publish(afterCommit, done)
            do {
                try transaction.savepoint {
                    _ = try transaction.publish(afterCommit, done)
                    _ = try transaction.publish(immediate, [])
                    throw Refused()
                }
            } catch is Refused {}
        }
        #expect(try await org.received("/event/Repair_Done__e").count == 1)
        #expect(try await org.received(Self.topic).count == 1)
    }

    @Test(arguments: [
        ([("Nothing__c", JSONValue.number("1"))], "INVALID_FIELD"),
        ([("Level__c", .number("1000"))], "NUMBER_OUTSIDE_VALID_RANGE"),
        ([("VIN__c", .string("123456789012345678"))], "STRING_TOO_LONG"),
        ([("Level__c", .string("many"))], "JSON_PARSER_ERROR"),
        ([("CreatedById", .string("005"))], "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ])
    func badFieldsAreRefused(_ fields: [(String, JSONValue)], _ code: String) async throws {
        let org = try await Self.org()
        let event = try Self.event(org, "Low_Charge__e")
        let members = fields.map { JSONValue.Member(name: $0.0, value: $0.1) }
        let error = await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { _ = try $0.publish(event, members) }
        }
        #expect(error?.errorCode == code)
        #expect(try await org.received(Self.topic).isEmpty)
    }

    @Test func requiredFieldsAreRequired() async throws {
        let org = try await Self.org()
        let event = try Self.event(org, "Repair_Done__e")
        let error = await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { _ = try $0.publish(event, []) }
        }
        #expect(error?.errorCode == "REQUIRED_FIELD_MISSING")
        #expect(error?.fields == ["Case__c"])
    }

    // MARK: Over the Pub/Sub API

    private func payload(_ org: TestOrg, _ values: [String: FieldValue]) throws -> ByteBuffer {
        let schema = try #require(org.sandbox.schema.eventSchemas["Low_Charge__e"])
        return try schema.encode(
            values: [
                "CreatedDate": .integer(1_771_300_995_123), "CreatedById": .string("005000000000001AAA"),
            ].merging(values) { $1 })
    }

    private func schemaID(_ org: TestOrg) throws -> String {
        try #require(org.sandbox.schema.eventSchemas["Low_Charge__e"]).id.string
    }

    /// The producer fills the two fields, and nobody looks at what is in them.
    @Test func trap26ProducersChooseIDsAndFillTheirFields() async throws {
        let org = try await Self.org()
        let answer = try await org.sandbox.publish(
            topic: Self.topic,
            events: [
                ProducedEvent(
                    id: "mine", schemaID: try schemaID(org), payload: try payload(org, ["Level__c": .double(1)])),
                ProducedEvent(id: "", schemaID: try schemaID(org), payload: try payload(org, [:])),
            ], caller: org.caller)
        #expect(answer.schemaID == (try schemaID(org)))
        #expect(answer.results[0].correlationKey == "mine")
        #expect(answer.results[1].correlationKey.utf8.count == 36)
        let received = try await org.received(Self.topic)
        #expect(received.map(\.eventID) == answer.results.map(\.correlationKey))
        #expect(received.map(\.replayID) == answer.results.map(\.replayID))
        #expect(try await values(org, Self.topic).first?["CreatedDate"] == .dateTime(milliseconds: 1_771_300_995_123))
        let without = #expect(throws: AvroError.self) {
            try #require(org.sandbox.schema.eventSchemas["Low_Charge__e"]).encode(values: [:])
        }
        #expect(without != nil)
    }

    @Test func whatIsWrongWithOneEventIsItsResult() async throws {
        let org = try await Self.org()
        let good = try payload(org, [:])
        var cut = good
        cut.moveWriterIndex(to: cut.writerIndex - 1)
        let tooLong = try payload(org, ["VIN__c": .string("123456789012345678")])
        let huge = ByteBuffer(repeating: 0, count: ChangeCapture.eventBytesMax + 1)
        let id = try schemaID(org)
        let change = try #require(org.sandbox.captured["Account"]).schema.id.string
        let answer = try await org.sandbox.publish(
            topic: Self.topic,
            events: [
                ProducedEvent(id: "1", schemaID: id, payload: good),
                ProducedEvent(id: "2", schemaID: "", payload: good),
                ProducedEvent(id: "3", schemaID: change, payload: good),
                ProducedEvent(id: "4", schemaID: id, payload: cut),
                ProducedEvent(id: "5", schemaID: id, payload: tooLong),
                ProducedEvent(id: "6", schemaID: id, payload: huge),
                ProducedEvent(id: "7", schemaID: id, payload: good),
            ], caller: org.caller)
        #expect(answer.results.map { $0.message == nil } == [true, false, false, false, false, false, true])
        #expect(answer.results.map { $0.replayID != nil } == [true, false, false, false, false, false, true])
        #expect(try await org.received(Self.topic).map(\.eventID) == ["1", "7"])
        #expect(org.sandbox.eventUsage.figures.published == 2)
    }

    @Test(arguments: [
        ("/data/AccountChangeEvent", EventBusError.Code.permissionDenied),
        ("/data/ChangeEvents", .permissionDenied), ("/event/Nothing__e", .topicNotFound),
        ("/event/low_charge__e", .topicNotFound),
    ])
    func whereNobodyPublishes(_ topic: String, _ code: EventBusError.Code) async throws {
        let org = try await Self.org()
        let event = ProducedEvent(id: "", schemaID: try schemaID(org), payload: try payload(org, [:]))
        let error = await #expect(throws: EventBusError.self) {
            try await org.sandbox.publish(topic: topic, events: [event], caller: org.caller)
        }
        #expect(error?.code == code)
    }

    // MARK: Channels

    @Test func channelsHoldOneProductAndFilterWithLists() async throws {
        let org = try await Self.org()
        try await org.addChannel("E__chn", type: "event")
        try await org.addChannel("D__chn")
        let mixed = await org.failure { () throws(OrgError) in
            try await org.addMember("AccountChangeEvent", to: "E__chn")
        }
        #expect(mixed?.fields == ["selectedEntity"])
        let other = await org.failure { () throws(OrgError) in try await org.addMember("Low_Charge__e", to: "D__chn") }
        #expect(other?.fields == ["selectedEntity"])
        try await org.addMember("Low_Charge__e", to: "E__chn", filter: "VIN__c IN ('A','B') AND Level__c != null")
        let event = try Self.event(org, "Low_Charge__e")
        try await org.sandbox.transaction { transaction in
            for (vin, level) in [("a", "1"), ("C", "2"), ("B", "null")] {
                let value = level == "null" ? JSONValue.null : .number(level)
                _ = try transaction.publish(
                    event, [.init(name: "VIN__c", value: .string(vin)), .init(name: "Level__c", value: value)])
            }
        }
        let received = try await org.received("/event/E__chn")
        #expect(received.count == 1)
        // On a channel the schema tells which event it is.
        #expect(try await org.sandbox.topic("/event/E__chn", caller: org.caller).schemaID.isEmpty)
        let enriched = await org.failure { () throws(OrgError) in
            _ = try await org.sandbox.toolingCreate(
                object: "PlatformEventChannelMember",
                fields: TestOrg.memberBody("X", "Repair_Done__e", "E__chn", filter: nil, enriched: ["Case__c"]),
                context: org.context)
        }
        #expect(enriched?.errorCode == "FIELD_INTEGRITY_EXCEPTION")
    }
}
