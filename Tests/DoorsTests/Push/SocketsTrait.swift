import Testing

@testable import Doors

/// Runs each test of a suite once on every kind of sockets that carries the hub's connections: the hub must not show which.
struct SocketsTrait: SuiteTrait, TestTrait, TestScoping {
    /// What the hubs of the running test are made with.
    @TaskLocal static var current = PushConfiguration.Sockets.descriptors

    var isRecursive: Bool { true }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        for sockets in [PushConfiguration.Sockets.descriptors, .channels] {
            try await Self.$current.withValue(sockets) { try await function() }
        }
    }
}

extension Trait where Self == SocketsTrait {
    /// Once on descriptors, once on channels of NIO.
    static var onAllSockets: Self { Self() }
}
