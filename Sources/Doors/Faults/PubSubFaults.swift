internal import GRPCCore
internal import NIOCore
internal import Synchronization

/// Misbehaviour on command for the Pub/Sub API, and the connections that it concerns. Thread-safe; without an oracle it costs a
/// comparison per call.
final class PubSubFaults: Sendable {
    private let oracle: (any FaultOracle)?
    /// By what gRPC calls the peer: `ipv4:127.0.0.1:49152`.
    private let connections = Mutex<[String: any Channel]>([:])

    init(oracle: (any FaultOracle)?) {
        self.oracle = oracle
    }

    /// Called with each new TCP connection, on its loop.
    func accepted(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard oracle != nil, let peer = Self.peer(channel) else { return channel.eventLoop.makeSucceededVoidFuture() }
        connections.withLock { $0[peer] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.connections.withLock { _ = $0.removeValue(forKey: peer) }
        }
        return channel.eventLoop.makeSucceededVoidFuture()
    }

    /// Suffers what is to happen here; throws what ends the call.
    func check(_ point: FaultPoint, peer: String, rpcID: String) async throws {
        guard let fault = oracle?.fault(at: point) else { return }
        let channel = connections.withLock { $0[peer] }
        switch fault {
        case .cut:
            if let channel { ConnectionFaults.cut(channel) }
            throw PubSubFailure.error(.unavailable, "The connection was cut.", rpcID: rpcID)
        case .goAway:
            if let channel { ConnectionFaults.goAway(channel) }
        case .halfOpen:
            if let channel { ConnectionFaults.silence(channel) }
        case .stall(let duration):
            try await Stall.wait(duration)
        case .unavailable:
            throw PubSubFailure.error(.unavailable, "The service is temporarily unavailable.", rpcID: rpcID)
        case .expiredToken:
            throw PubSubFailure.error(
                .unauthenticated,
                "The session is invalid or expired, or the instance URL or tenant ID does not match it.", rpcID: rpcID)
        }
    }

    private static func peer(_ channel: any Channel) -> String? {
        switch channel.remoteAddress {
        case .v4(let address): "ipv4:\(address.host):\(channel.remoteAddress?.port ?? 0)"
        case .v6(let address): "ipv6:[\(address.host)]:\(channel.remoteAddress?.port ?? 0)"
        case .unixDomainSocket, nil: nil
        }
    }
}
