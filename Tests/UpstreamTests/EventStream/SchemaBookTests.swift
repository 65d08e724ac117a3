import ChangeEvents
import GRPCCore
import TestSupport
import Testing

@testable import Upstream

/// Schemas are learned before the events that need them are stored; over real connections.
@Suite(.timeLimit(.minutes(5)))
struct SchemaBookTests {
    static let topic = "/event/Low_Ink__e"
    static let json = """
        {"name":"Low_Ink__e","namespace":"com.sforce.eventbus","type":"record","fields":[\
        {"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},\
        {"name":"Printer__c","type":["null","string"],"doc":"Data:Text:00N000000000001","default":null}]}
        """

    private func id() throws -> SchemaID { try EventSchema(json: Self.json).id }

    @Test func aSchemaIsAskedForOnceForAllTopicsAndBeforeItsEventsAreStored() async throws {
        let id = try id().string
        let names = (1...5).map { "/event/Topic\($0)__e" }
        try await Harness.with(
            topics: names.map { Upstream.Topic($0) },
            prepare: { bus, _, _ in
                bus.change { $0.schemas[id] = Self.json }
                for name in names { bus.publish(50, to: name, schema: id) }
            }
        ) { harness in
            for name in names { try await harness.stored(50, of: name) }
            #expect(harness.bus.schemaRequests == [id])
            #expect(harness.sink.change { $0.unknownWhenReceived }.isEmpty)
            #expect(harness.sink.change { $0.schemas } == [SchemaID(id)])
        }
    }

    @Test func aSchemaTheSinkKnowsIsNotAskedFor() async throws {
        let id = try id()
        try await Harness.with(
            topics: [Upstream.Topic(Self.topic)],
            prepare: { bus, _, sink in
                bus.publish(5, to: Self.topic, schema: id.string)
                sink.change { $0.schemas = [id] }
            }
        ) { harness in
            try await harness.stored(5, of: Self.topic)
            #expect(harness.bus.schemaRequests.isEmpty)
        }
    }

    @Test("loss trap: schema fetch skipped")
    func passingFailuresHoldTheEventsBackUntilTheSchemaIsThere() async throws {
        let id = try id().string
        try await Harness.with(
            topics: [Upstream.Topic(Self.topic)],
            prepare: { bus, _, _ in
                bus.publish(20, to: Self.topic, schema: id)
                bus.change { state in
                    state.schemas[id] = Self.json
                    state.schemaFaults = [.unavailable, .internalError, .unauthenticated, .deadlineExceeded]
                }
            }
        ) { harness in
            try await harness.stored(20, of: Self.topic)
            #expect(harness.bus.schemaRequests.count == 5)
            #expect(harness.sink.change { $0.unknownWhenReceived }.isEmpty)
            #expect(harness.sink.counters(Self.topic) == Array(1...20))
            // The refused token was renewed for the call.
            #expect(harness.host.requests.count == 2)
        }
    }

    @Test(arguments: [nil, "{not json", #"{"type":"string"}"#])
    func eventsWhoseSchemaCannotBeHadGoOnWithoutIt(json: String?) async throws {
        try await Harness.with(
            topics: [Upstream.Topic(Self.topic)],
            prepare: { bus, _, _ in
                bus.publish(20, to: Self.topic, schema: "AAAAAAAAAAAAAAAAAAAAAA")
                bus.change { $0.schemas["AAAAAAAAAAAAAAAAAAAAAA"] = json }
            }
        ) { harness in
            try await harness.stored(20, of: Self.topic)
            #expect(harness.sink.counters(Self.topic) == Array(1...20))
            // Not once per message.
            #expect(harness.bus.schemaRequests.count == 1)
            #expect(harness.log.text.contains("schemaUnavailable"))
        }
    }

    @Test func aSchemaUnderAWrongIDIsLearnedAndReported() async throws {
        try await Harness.with(
            topics: [Upstream.Topic(Self.topic)],
            prepare: { bus, _, _ in
                bus.publish(1, to: Self.topic, schema: "AAAAAAAAAAAAAAAAAAAAAA")
                bus.change { $0.schemas["AAAAAAAAAAAAAAAAAAAAAA"] = Self.json }
            }
        ) { harness in
            try await harness.stored(1, of: Self.topic)
            #expect(harness.log.text.contains("upstream.schema.computed"))
        }
    }
}
