import ChangeEvents
import GRPCCore
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Upstream

@Suite(.timeLimit(.minutes(5)))
struct PubSubClientTests {
    static let topic = "/event/Low_Ink__e"

    private struct Enough: Error {}

    /// What a callback has seen.
    private final class Seen: Sendable {
        let counters = Mutex<[UInt64]>([])
        let schemaCounts = Mutex<[Int]>([])
    }

    private func withClient(
        prepare: (FakeEventBus) -> Void = { _ in }, _ body: (PubSubClient, FakeEventBus) async throws -> Void
    ) async throws {
        try await FakeEventBus.with { bus, busPort in
            try await FakeLoginHost.with { _, hostPort in
                prepare(bus)
                try await PubSubClient.withClient(
                    of: Harness.org(login: hostPort, pubSub: busPort), timing: Harness.fast,
                    logger: LogRecorder().logger()
                ) { client in try await body(client, bus) }
            }
        }
    }

    private func code(_ call: () async throws -> Void) async -> UpstreamError.Code? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? UpstreamError)?.code
        }
    }

    @Test func aTopicAndASchemaCanBeLookedAt() async throws {
        let schema = try EventSchema(json: SchemaBookTests.json)
        try await withClient(prepare: { bus in
            bus.publish(1, to: Self.topic)
            bus.change { $0.schemas[schema.id.string] = schema.json }
        }) { client, bus in
            let topic = try await client.topic(Self.topic)
            #expect(topic.name == Self.topic)
            #expect(topic.canSubscribe)
            #expect(topic.schemaID == nil)
            #expect(try await client.schema(schema.id).recordName == "Low_Ink__e")
            #expect(await code { _ = try await client.topic("/event/None__e") } == .topicRefused)
            #expect(await code { _ = try await client.schema(SchemaID("")) } == .schemaUnavailable)
            #expect(bus.connectionCount == 1)
        }
    }

    @Test(arguments: [
        (PubSubClient.Start.earliest, Array(UInt64(1)...30)), (.after(ReplayID(counter: 12)), Array(UInt64(13)...30)),
    ])
    func aTopicIsReadAcrossABreak(start: PubSubClient.Start, expected: [UInt64]) async throws {
        let schema = try EventSchema(json: SchemaBookTests.json)
        let seen = Seen()
        try await withClient(prepare: { bus in
            bus.publish(30, to: Self.topic, schema: schema.id.string)
            bus.change { state in
                state.schemas[schema.id.string] = schema.json
                state.faults[Self.topic] = [.cut(after: 10)]
            }
        }) { client, _ in
            await #expect(throws: Enough.self) {
                try await client.subscribe(to: Self.topic, from: start) { events, schemas, _ in
                    seen.counters.withLock { $0 += events.compactMap(\.replayID.counter) }
                    for event in events {
                        let isKnown = schemas[event.schemaID] != nil
                        seen.schemaCounts.withLock { $0.append(isKnown ? 1 : 0) }
                    }
                    if seen.counters.withLock({ $0.last }) == 30 { throw Enough() }
                }
            }
            #expect(seen.counters.withLock { $0 } == expected)
            #expect(seen.schemaCounts.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test func whatLastsIsThrown() async throws {
        let corrupted = "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"
        try await withClient(prepare: { bus in
            bus.change {
                $0.faults[Self.topic] = [
                    .refuse(.notFound, errorCode: nil), .refuse(.invalidArgument, errorCode: corrupted),
                ]
            }
        }) { client, _ in
            for expected in [UpstreamError.Code.topicRefused, .replayIDRejected] {
                do {
                    try await client.subscribe(to: Self.topic, from: .after(ReplayID(counter: 1))) { _, _, _ in }
                    Issue.record("no error")
                } catch let error as UpstreamError {
                    #expect(error.code == expected)
                    #expect(error.topic == Self.topic)
                }
            }
        }
    }
}
