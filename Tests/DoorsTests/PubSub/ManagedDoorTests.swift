import ChangeEvents
import Foundation
import GRPCCore
import PubSubAPI
import SwiftProtobuf
import Synchronization
import Testing

@testable import Doors

/// ManagedSubscribe over real sockets.
@Suite struct ManagedDoorTests {
    private let door = PubSubDoorTests()

    private struct Stream {
        let requests: AsyncStream<Eventbus_V1_ManagedFetchRequest>.Continuation
        var messages: RPCAsyncSequence<Eventbus_V1_ManagedFetchResponse, any Error>.AsyncIterator

        func ask(
            _ count: Int32, name: String = "", _ change: (inout Eventbus_V1_ManagedFetchRequest) -> Void = { _ in }
        ) {
            var request = Eventbus_V1_ManagedFetchRequest()
            request.developerName = name
            request.numRequested = count
            change(&request)
            requests.yield(request)
        }

        func commit(_ id: String, _ replayID: Data) {
            ask(0) {
                $0.commitReplayIDRequest.commitRequestID = id
                $0.commitReplayIDRequest.replayID = replayID
            }
        }

        mutating func next() async throws -> Eventbus_V1_ManagedFetchResponse {
            try #require(try await messages.next(isolation: #isolation))
        }
    }

    private func subscribe(
        _ client: PubSubDoorTests.Client, _ body: @escaping @Sendable (inout Stream) async throws -> Void
    ) async throws {
        let (stream, feed) = AsyncStream.makeStream(of: Eventbus_V1_ManagedFetchRequest.self)
        try await client.managedSubscribe(metadata: PubSubDoorTests.metadata) { writer in
            for await request in stream { try await writer.write(request) }
        } onResponse: { response in
            defer { feed.finish() }
            var stream = Stream(requests: feed, messages: response.messages.makeAsyncIterator())
            try await body(&stream)
        }
    }

    @Test func eventsComeAndCommitsAreAnswered() async throws {
        try await door.withDoor { client, bus, _, _ in
            bus.publish(3)
            try await self.subscribe(client) { stream in
                stream.ask(10, name: FakeBus.managed)
                let first = try await stream.next()
                #expect(first.events.map(\.event.id) == ["event-0", "event-1", "event-2"])
                #expect(first.pendingNumRequested == 7)
                stream.commit("c-1", first.events[1].replayID)
                let answer = try await stream.next()
                #expect(answer.events.isEmpty)
                #expect(answer.commitResponse.commitRequestID == "c-1")
                #expect(answer.commitResponse.replayID == first.events[1].replayID)
                #expect(answer.commitResponse.processTime == 1_771_300_995_250)
                #expect(!answer.commitResponse.hasError)
                stream.commit("c-2", Data([1, 2, 3]))
                let refusal = try await stream.next()
                #expect(refusal.commitResponse.error.code == .commit)
                #expect(bus.state.withLock { $0.commits } == [FakeBus.replayID(1)])
            }
        }
    }

    @Test func aSecondStreamIsRefusedAndTheSlotIsFreedAtTheEnd() async throws {
        try await door.withDoor { client, bus, _, _ in
            bus.publish(1)
            try await self.subscribe(client) { stream in
                stream.ask(1, name: FakeBus.managed)
                _ = try await stream.next()
                await self.door.expect(.alreadyExists, "managed.subscription.already.active") {
                    try await self.subscribe(client) { other in
                        other.ask(1, name: FakeBus.managed)
                        _ = try await other.next()
                    }
                }
            }
            try await eventually { bus.state.withLock { $0.managedToken == nil } }
            try await self.subscribe(client) { stream in
                stream.ask(1, name: FakeBus.managed)
                let message = try await stream.next()
                #expect(message.events.count == 1)
            }
        }
    }

    @Test func theFirstRequestNamesTheSubscription() async throws {
        try await door.withDoor { client, _, _, _ in
            await self.door.expect(.notFound, "managed.subscription.not.found") {
                try await self.subscribe(client) { stream in
                    stream.ask(1, name: "Nothing")
                    _ = try await stream.next()
                }
            }
            await self.door.expect(.invalidArgument, "request.validation.failed") {
                try await self.subscribe(client) { stream in
                    stream.ask(1)
                    _ = try await stream.next()
                }
            }
            await self.door.expect(.invalidArgument, "subscription.fetch.requested.events.invalid") {
                try await self.subscribe(client) { stream in
                    stream.ask(0, name: FakeBus.managed)
                    _ = try await stream.next()
                }
            }
        }
    }

    @Test func trap24WithoutACommitTheStreamEnds() async throws {
        try await door.withDoor(commitTimeout: .milliseconds(400)) { client, bus, _, _ in
            let error = await #expect(throws: RPCError.self) {
                try await self.subscribe(client) { stream in
                    stream.ask(5, name: FakeBus.managed)
                    _ = try await stream.next()
                }
            }
            #expect(error?.code == .deadlineExceeded)
            let text = "No CommitReplayRequests sent in the last 1800 seconds. Closing managed subscription."
            #expect(error?.message.hasPrefix(text) == true)
            try await eventually { bus.state.withLock { $0.managedToken == nil } }
        }
    }
}
