import NIOCore
import Testing

@testable import Doors

@Suite struct ListeningTests {
    private struct Failure: Error {}

    @Test func waitersGetTheAddress() async throws {
        let listening = Listening()
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 4711)
        async let first = listening.address()
        async let second = listening.address()
        listening.settle(.success(address))
        #expect(try await first == address)
        #expect(try await second == address)
        listening.settle(.failure(Failure()))
        #expect(try await listening.address() == address, "settled once")
    }

    @Test func failureReachesEverybody() async {
        let listening = Listening()
        listening.settle(.failure(Failure()))
        await #expect(throws: Failure.self) { try await listening.address() }
    }

    @Test func cancelledWaitEnds() async throws {
        let listening = Listening()
        try await withDeadline {
            let task = Task { try await listening.address() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
