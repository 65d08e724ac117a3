import ChangeEvents
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import NIOPosix
import PubSubAPI
import Sandbox
import Store
import SwiftProtobuf
import Synchronization
import Synchronization
import Testing

@testable import Doors

/// The Pub/Sub API over real sockets, asked by grpc-swift's own client.
@Suite struct PubSubDoorTests {
    @Test func topicAndSchemaAreDescribed() async throws {
        try await withDoor { client, _, _, _ in
            let topic = try await client.getTopic(.with { $0.topicName = FakeBus.topic }, metadata: Self.metadata)
            #expect(topic.topicName == FakeBus.topic)
            #expect(topic.tenantGuid == "core/test/00D000000000001AAA")
            #expect(topic.canSubscribe && !topic.canPublish)
            #expect(topic.schemaID == FakeBus.schemaID)
            #expect(UUID(uuidString: topic.rpcID) != nil)
            let schema = try await client.getSchema(.with { $0.schemaID = FakeBus.schemaID }, metadata: Self.metadata)
            #expect(schema.schemaJson == #"{"type":"record"}"#)
            #expect(schema.schemaID == FakeBus.schemaID)
            #expect(UUID(uuidString: schema.rpcID) != nil)
        }
    }

    /// The status, the text and both trailers.
    func expect(
        _ status: RPCError.Code, _ errorCode: String, from call: @Sendable () async throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let error = await #expect(throws: RPCError.self, sourceLocation: sourceLocation) { try await call() }
        guard let error else { return }
        #expect(error.code == status, sourceLocation: sourceLocation)
        let code = error.metadata[stringValues: "error-code"].first { _ in true }
        #expect(code == "sfdc.platform.eventbus.grpc.\(errorCode)", sourceLocation: sourceLocation)
        let rpcID = error.metadata[stringValues: "rpc-id"].first { _ in true }
        #expect(rpcID.flatMap(UUID.init(uuidString:)) != nil, sourceLocation: sourceLocation)
        #expect(error.message.hasSuffix(" rpcId: \(rpcID ?? "?")"), sourceLocation: sourceLocation)
    }

    @Test func everyCallIsAuthorized() async throws {
        try await withDoor { client, _, _, metrics in
            for key in ["accesstoken", "instanceurl", "tenantid"] {
                var metadata = Self.metadata
                metadata.replaceOrAddString("wrong", forKey: key)
                let wrong = metadata
                await self.expect(.unauthenticated, "service.auth.error") {
                    _ = try await client.getTopic(.with { $0.topicName = FakeBus.topic }, metadata: wrong)
                }
                await self.expect(.unauthenticated, "service.auth.error") {
                    _ = try await client.getSchema(.with { $0.schemaID = FakeBus.schemaID }, metadata: wrong)
                }
                await self.expect(.unauthenticated, "service.auth.error") {
                    try await self.subscribe(client, metadata: wrong) { _ = try await $0.next() }
                }
            }
            let text = String(buffer: metrics.render())
            #expect(
                text.contains("millrace_pubsub_calls_total{method=\"Subscribe\",status=\"unauthenticated\"} 3"),
                "\(text)")
        }
    }

    @Test func refusals() async throws {
        try await withDoor { client, bus, _, _ in
            bus.publish(3)
            await self.expect(.notFound, "topic.not.found") {
                _ = try await client.getTopic(.with { $0.topicName = "/data/NoChangeEvent" }, metadata: Self.metadata)
            }
            await self.expect(.invalidArgument, "schema.validation.failed") {
                _ = try await client.getSchema(.init(), metadata: Self.metadata)
            }
            await self.expect(.notFound, "topic.not.found") {
                try await self.subscribe(client) {
                    $0.fetch(1, topic: "/data/NoChangeEvent")
                    _ = try await $0.next()
                }
            }
            await self.expect(.invalidArgument, "subscription.fetch.requested.events.invalid") {
                try await self.subscribe(client) {
                    $0.fetch(0)
                    _ = try await $0.next()
                }
            }
            await self.expect(.invalidArgument, "subscription.fetch.replayid.validation.failed") {
                try await self.subscribe(client) {
                    $0.fetch(1) { $0.replayPreset = .custom }
                    _ = try await $0.next()
                }
            }
            for bytes: [UInt8] in [[1, 2, 3], [UInt8](repeating: 0, count: 10), [UInt8](repeating: 255, count: 10)] {
                await self.expect(.invalidArgument, "subscription.fetch.replayid.corrupted") {
                    try await self.subscribe(client) {
                        $0.fetch(1) { request in
                            request.replayPreset = .custom
                            request.replayID = Data(bytes)
                        }
                        _ = try await $0.next()
                    }
                }
            }
            await self.expect(.invalidArgument, "subscription.fetch.topic.changed") {
                try await self.subscribe(client) {
                    $0.fetch(1) { $0.replayPreset = .earliest }
                    _ = try await $0.next()
                    $0.fetch(1, topic: "/data/ContactChangeEvent")
                    _ = try await $0.next()
                }
            }
        }
    }

    @Test func eventsComeFromTheStartThatWasAskedFor() async throws {
        try await withDoor { client, bus, _, metrics in
            bus.publish(5)
            try await self.subscribe(client) { subscription in
                subscription.fetch(25) { $0.replayPreset = .earliest }
                let first = try await subscription.next()
                #expect(first.events.map(\.event.id) == (0..<5).map { "event-\($0)" })
                #expect(first.events.map(\.replayID) == (0..<5).map { Data(FakeBus.replayID($0).bytes) })
                #expect(first.events[1].event.schemaID == FakeBus.schemaID)
                #expect(first.events[1].event.payload == Data(repeating: 1, count: 16))
                #expect(first.latestReplayID == Data(FakeBus.replayID(4).bytes))
                #expect(first.pendingNumRequested == 20)
                #expect(UUID(uuidString: first.rpcID) != nil)
                bus.publish(1)
                let second = try await subscription.next()
                #expect(second.events.map(\.event.id) == ["event-5"])
                #expect(second.pendingNumRequested == 19)
                #expect(second.rpcID == first.rpcID)
            }
            try await self.subscribe(client) { subscription in
                subscription.fetch(25) { request in
                    request.replayPreset = .custom
                    request.replayID = Data(FakeBus.replayID(3).bytes)
                }
                let message1 = try await subscription.next()
                #expect(message1.events.map(\.event.id) == ["event-4", "event-5"])
            }
            // Who waits from here on is the next stream, not one of those before.
            try await eventually { metrics.gauge("millrace_pubsub_streams", help: "").value == 0 }
            try await self.subscribe(client) { subscription in
                subscription.fetch(25)
                try await eventually { bus.waitingCount > 0 }
                bus.publish(1)
                let message2 = try await subscription.next()
                #expect(message2.events.map(\.event.id) == ["event-6"])
            }
            try await eventually { metrics.gauge("millrace_pubsub_streams", help: "").value == 0 }
            let text = String(buffer: metrics.render())
            #expect(text.contains("millrace_pubsub_delivered_total{topic=\"\(FakeBus.topic)\"} 9\n"), "\(text)")
        }
    }

    @Test func neverMoreThanAskedFor() async throws {
        try await withDoor { client, bus, _, _ in
            bus.publish(500)
            try await self.subscribe(client) { subscription in
                var received = 0
                subscription.fetch(3) { $0.replayPreset = .earliest }
                received += try await subscription.next().events.count
                #expect(received == 3)
                subscription.fetch(80)
                subscription.fetch(70, topic: "")
                while received < 103 {
                    let message = try await subscription.next()
                    received += message.events.count
                    if message.pendingNumRequested == 0 { break }
                }
                // Nothing is pending after the first 80 too, where the second request comes only then.
                #expect((83...153).contains(received), "\(received)")
                #expect(bus.state.withLock { $0.limits.max() ?? 0 } <= 100)
                subscription.requests.finish()
                while let message = try await subscription.messages.next(isolation: #isolation) {
                    received += message.events.count
                }
                #expect(received <= 153)
            }
        }
    }

    @Test func largeEventsAreSplitBelowThreeMegabytes() async throws {
        try await withDoor { client, bus, _, _ in
            bus.publish(10, payloadBytes: 1 << 20)
            try await self.subscribe(client) { subscription in
                subscription.fetch(10) { $0.replayPreset = .earliest }
                var pending: [Int32] = []
                var latest: [Data] = []
                while pending.last != 0 {
                    let message = try await subscription.next()
                    let size = try message.serializedData().count
                    #expect(size <= 3 << 20)
                    pending.append(message.pendingNumRequested)
                    latest.append(message.latestReplayID)
                    #expect(message.latestReplayID == message.events.last?.replayID)
                }
                #expect(pending == [8, 6, 4, 2, 0])
                #expect(latest.last == Data(FakeBus.replayID(9).bytes))
            }
        }
    }

    @Test func trap7KeepaliveMovesTheReplayIDForward() async throws {
        try await withDoor(keepalive: .milliseconds(100)) { client, bus, _, metrics in
            bus.publish(1)
            try await self.subscribe(client) { subscription in
                subscription.fetch(7)
                let first = try await subscription.next()
                #expect(first.events.isEmpty)
                #expect(first.pendingNumRequested == 7)
                #expect(first.latestReplayID == Data(FakeBus.replayID(0).bytes))
                // Other events pass on the bus: the stream's place moves with them.
                bus.publish(3, topic: "/event/Other__e")
                var latest = first.latestReplayID
                while latest != Data(FakeBus.replayID(3).bytes) {
                    let message = try await subscription.next()
                    #expect(message.events.isEmpty)
                    #expect(message.rpcID == first.rpcID)
                    latest = message.latestReplayID
                }
            }
            // Counted behind the sending.
            try await eventually { metrics.counter("millrace_pubsub_keepalives_total", help: "").value >= 2 }
        }
    }

    @Test func streamEndsWhenTheClientDoesNotAskAgain() async throws {
        // The first request has the same time to come.
        try await withDoor(keepalive: .milliseconds(20), requestTimeout: .seconds(5)) { client, bus, _, _ in
            bus.publish(1)
            try await self.subscribe(client) { subscription in
                subscription.fetch(1) { $0.replayPreset = .earliest }
                let message3 = try await subscription.next()
                #expect(message3.pendingNumRequested == 0)
                try await subscription.end()
            }
            try await self.subscribe(client) { try await $0.end() }
        }
    }

    @Test func halfCloseDeliversWhatIsThereAndEnds() async throws {
        try await withDoor { client, bus, _, _ in
            bus.publish(3)
            try await self.subscribe(client) { subscription in
                subscription.fetch(10) { $0.replayPreset = .earliest }
                subscription.requests.finish()
                let message4 = try await subscription.next()
                #expect(message4.events.count == 3)
                try await subscription.end()
            }
        }
    }

    @Test func clientThatGoesAwayLeavesNothingBehind() async throws {
        try await withDoor { client, bus, _, metrics in
            for _ in 0..<20 {
                try await self.subscribe(client) { subscription in
                    subscription.fetch(10)
                    try await eventually { bus.waitingCount > 0 }
                }
                try await eventually { bus.waitingCount == 0 }
            }
            try await eventually { metrics.gauge("millrace_pubsub_streams", help: "").value == 0 }
            #expect(bus.waitingCount == 0)
        }
    }

    @Test func failureOfTheBusEndsTheStreamWithItsCode() async throws {
        try await withDoor { client, bus, _, _ in
            await self.expect(.resourceExhausted, "subscription.limit.exceeded") {
                try await self.subscribe(client) { subscription in
                    subscription.fetch(10)
                    try await eventually { bus.waitingCount > 0 }
                    bus.failNextRead(
                        EventBusError(
                            code: .deliveryLimitExceeded,
                            message: "You have exceeded the event delivery limit for your org."))
                    _ = try await subscription.next()
                }
            }
        }
    }

    /// The stream saw it at its next keepalive.
    @Test func whatComesBetweenALookAndItsWaitIsNotMissed() async throws {
        try await withDoor { client, bus, _, _ in
            bus.failReadAfterNext(EventBusError(code: .permissionDenied, message: "The right was taken."))
            await self.expect(.permissionDenied, "permission.denied") {
                try await self.subscribe(client) { subscription in
                    subscription.fetch(10)
                    _ = try await subscription.next()
                }
            }
        }
    }

    @Test func shutdownEndsStreamsWithUnavailable() async throws {
        try await withDoor { client, bus, door, _ in
            await self.expect(.unavailable, "service.unavailable") {
                try await self.subscribe(client) { subscription in
                    subscription.fetch(10)
                    try await eventually { bus.waitingCount > 0 }
                    door.shutDown()
                    _ = try await subscription.next()
                }
            }
        }
    }

    private final class Served: Sendable {
        private let number = Atomic<Int>(0)
        var count: Int { number.load(ordering: .relaxed) }
        func add() { number.add(1, ordering: .relaxed) }
    }

    /// As many as a connection of Salesforce's takes. None ends before all have what they came for: past 200 streams that are
    /// reset within half a minute SwiftNIO takes the client for an attacker and closes the connection.
    @Test func manyStreamsShareOneConnection() async throws {
        let streams = 1_000
        let served = Served()
        try await withDoor { client, bus, _, metrics in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<streams {
                    group.addTask {
                        do {
                            try await self.subscribe(client) { subscription in
                                subscription.fetch(100)
                                var count = 0
                                while count < 50 { count += try await subscription.next().events.count }
                                #expect(count == 50)
                                served.add()
                                // Seldom: a thousand that look often leave the machine no time for anything else.
                                while served.count < streams { try await Task.sleep(for: .milliseconds(200)) }
                            }
                        } catch  where served.count == streams {
                            // Closed while it was ending anyhow.
                        }
                    }
                }
                try await eventually { bus.waitingCount == streams }
                #expect(metrics.gauge("millrace_pubsub_streams", help: "").value == Int64(streams))
                for _ in 0..<5 { bus.publish(10) }
                try await group.waitForAll()
            }
            try await eventually { metrics.gauge("millrace_pubsub_streams", help: "").value == 0 }
        }
    }

    @Test func tlsWithTheDevelopmentAuthority() async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = try DevelopmentCA.open(directory: directory)
        let tls = DoorTLS(certificateChainFile: authority.certificateFile, privateKeyFile: authority.privateKeyFile)
        try await withDoor(tls: tls) { client, bus, _, _ in
            bus.publish(2)
            try await self.subscribe(client) { subscription in
                subscription.fetch(2) { $0.replayPreset = .earliest }
                let message5 = try await subscription.next()
                #expect(message5.events.count == 2)
            }
        }
    }

    @Test func badListenersAreNamed() async throws {
        func run(_ listener: PubSubDoor.Listener) async -> DoorError? {
            let door = PubSubDoor(
                configuration: .init(listeners: [listener]), bus: FakeBus(), metrics: MetricsRegistry(),
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: testLogger)
            return await #expect(throws: DoorError.self) { try await door.run() }
        }
        let name = await run(.init(host: "no-such-host.invalid"))
        #expect(name?.code == .address)
        #expect(name?.description.contains("no-such-host.invalid") == true)
        let foreign = await run(.init(host: "192.0.2.1"))
        #expect(foreign?.code == .address)
        let certificate = await run(
            .init(tls: .init(certificateChainFile: "/nowhere/a.pem", privateKeyFile: "/nowhere/b.pem")))
        #expect(certificate?.code == .certificate)
        #expect(certificate?.description.contains("/nowhere/a.pem") == true)
    }
}
