public import NIOCore

/// The address a door listens on, known once it is bound: with port 0 the kernel chooses. Safe from any thread.
public final class Listening: Sendable {
    private let announcement = Announcement<SocketAddress>()

    init() {}

    /// The bound address; throws what kept the door from opening.
    public func address() async throws -> SocketAddress { try await announcement.value() }

    /// Settles the address; later calls have no effect.
    func settle(_ result: Result<SocketAddress, any Error>) { announcement.settle(result) }
}
