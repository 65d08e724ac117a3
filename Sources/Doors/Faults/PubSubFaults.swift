internal import GRPCCore

/// Misbehaviour on command for the Pub/Sub API. Thread-safe; without an oracle it costs a comparison per call.
final class PubSubFaults: Sendable {
    private let oracle: (any FaultOracle)?
    private let connections: PubSubConnections

    init(oracle: (any FaultOracle)?, connections: PubSubConnections) {
        self.oracle = oracle
        self.connections = connections
    }

    /// Suffers what is to happen here; throws what ends the call.
    func check(_ point: FaultPoint, peer: String, rpcID: String) async throws {
        guard let fault = oracle?.fault(at: point) else { return }
        let channel = connections.channel(of: peer)
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
        case .requestLimit:
            throw PubSubFailure.error(
                .deliveryLimitExceeded, "The allocation of events delivered in 24 hours is used up.", rpcID: rpcID)
        case .expiredToken:
            throw PubSubFailure.error(
                .unauthenticated,
                "The session is invalid or expired, or the instance URL or tenant ID does not match it.", rpcID: rpcID)
        }
    }
}
