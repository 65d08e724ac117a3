import Foundation
import GRPCCore
import NIOCore
import PubSubAPI
import SwiftProtobuf
import Synchronization
import Testing

@testable import Doors

/// Publish and PublishStream over real sockets.
@Suite struct PublishDoorTests {
    private let door = PubSubDoorTests()
    private static let metadata = PubSubDoorTests.metadata

    private static func request(
        _ payloads: [Int], topic: String = FakeBus.event
    ) -> Eventbus_V1_PublishRequest {
        .with { request in
            request.topicName = topic
            request.events = payloads.enumerated().map { index, size in
                .with {
                    $0.id = "key-\(index)"
                    $0.schemaID = FakeBus.schemaID
                    $0.payload = Data(repeating: 7, count: size)
                }
            }
        }
    }

    @Test func resultsArePositional() async throws {
        try await door.withDoor { client, bus, _, _ in
            let response = try await client.publish(Self.request([3, 0, 5]), metadata: Self.metadata)
            #expect(response.schemaID == FakeBus.schemaID)
            #expect(UUID(uuidString: response.rpcID) != nil)
            #expect(response.results.map(\.correlationKey) == ["key-0", "key-1", "key-2"])
            #expect(response.results.map(\.replayID.isEmpty) == [false, true, false])
            #expect(response.results.map(\.hasError) == [false, true, false])
            #expect(response.results[1].error.code == .publish)
            #expect(response.results[1].error.msg == "empty")
            #expect(bus.state.withLock { $0.published[FakeBus.event]?.map(\.payload.readableBytes) } == [3, 0, 5])
        }
    }

    @Test func whatCannotBePublishedToIsRefused() async throws {
        try await door.withDoor { client, _, _, _ in
            await self.door.expect(.permissionDenied, "permission.denied") {
                _ = try await client.publish(Self.request([1], topic: FakeBus.topic), metadata: Self.metadata)
            }
            await self.door.expect(.unauthenticated, "service.auth.error") {
                _ = try await client.publish(Self.request([1]), metadata: [:])
            }
        }
    }

    @Test(arguments: [(-1, true), (0, true), (1, false)])
    func requestsAreFourMegabytesAtMost(over: Int, isTaken: Bool) async throws {
        try await door.withDoor { client, bus, _, _ in
            // The names and one event's overhead belong to the size.
            let overhead = FakeBus.event.utf8.count + "key-0".utf8.count + FakeBus.schemaID.utf8.count + 8
            let request = Self.request([Publishing.requestBytesMax - overhead + over])
            if isTaken {
                let response = try await client.publish(request, metadata: Self.metadata)
                #expect(response.results.count == 1)
            } else {
                let error = await #expect(throws: RPCError.self) {
                    try await client.publish(request, metadata: Self.metadata)
                }
                #expect(error?.code == .unavailable)
                #expect(error?.message.hasPrefix("upstream connect error or disconnect/reset before headers") == true)
                #expect(bus.state.withLock { $0.published.isEmpty })
            }
        }
    }

    private func publishStream(
        _ client: PubSubDoorTests.Client, _ requests: [Eventbus_V1_PublishRequest], closes: Bool = true
    ) async throws -> [Eventbus_V1_PublishResponse] {
        let (open, close) = AsyncStream.makeStream(of: Void.self)
        return try await client.publishStream(metadata: Self.metadata) { writer in
            for request in requests { try await writer.write(request) }
            if !closes { for await _ in open {} }
        } onResponse: { response in
            defer { close.finish() }
            var responses: [Eventbus_V1_PublishResponse] = []
            for try await message in response.messages { responses.append(message) }
            return responses
        }
    }

    @Test func aStreamAnswersEachRequestInOrder() async throws {
        try await door.withDoor { client, bus, _, _ in
            var second = Self.request([1, 2])
            second.topicName = ""
            let responses = try await self.publishStream(client, [Self.request([4]), second, Self.request([5])])
            #expect(responses.map(\.results.count) == [1, 2, 1])
            #expect(Set(responses.map(\.rpcID)).count == 1)
            #expect(bus.state.withLock { $0.published[FakeBus.event]?.map(\.payload.readableBytes) } == [4, 1, 2, 5])
        }
    }

    @Test func aStreamHasOneTopic() async throws {
        try await door.withDoor { client, _, _, _ in
            await self.door.expect(.invalidArgument, "subscription.fetch.topic.changed") {
                _ = try await self.publishStream(
                    client, [Self.request([4]), Self.request([1], topic: "/event/Other__e")], closes: false)
            }
            await self.door.expect(.invalidArgument, "request.validation.failed") {
                _ = try await self.publishStream(client, [Self.request([])], closes: false)
            }
        }
    }

    @Test func aSilentStreamIsClosed() async throws {
        // The first request has the same time to come.
        try await door.withDoor(publishIdleTimeout: .seconds(4)) { client, _, _, _ in
            let responses = try await self.publishStream(client, [Self.request([4])], closes: false)
            #expect(responses.count == 1)
        }
    }

    @Test func shutdownEndsAStream() async throws {
        try await door.withDoor { client, bus, door, _ in
            await self.door.expect(.unavailable, "service.unavailable") {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await self.publishStream(client, [Self.request([4])], closes: false) }
                    group.addTask {
                        try await eventually { !bus.state.withLock { $0.published.isEmpty } }
                        door.shutDown()
                    }
                    for try await _ in group {}
                }
            }
        }
    }
}
