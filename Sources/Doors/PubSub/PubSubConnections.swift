internal import NIOCore
internal import Synchronization

/// The open TCP connections of the Pub/Sub API by what gRPC calls the peer (`ipv4:127.0.0.1:49152`): gRPC itself tells a
/// call no more of its connection. Thread-safe.
final class PubSubConnections: Sendable {
    private struct Connection {
        var channel: any Channel
        var executor: LoopTaskExecutor
    }

    private let connections = Mutex<[String: Connection]>([:])

    /// Called with each new connection, on its loop.
    func accepted(_ channel: any Channel) -> EventLoopFuture<Void> {
        let done = channel.eventLoop.makeSucceededVoidFuture()
        guard let peer = Self.peer(channel) else { return done }
        let connection = Connection(channel: channel, executor: LoopTaskExecutor(channel.eventLoop))
        connections.withLock { $0[peer] = connection }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.connections.withLock { connections in
                // The port may be in use again already.
                if connections[peer]?.channel === channel { connections[peer] = nil }
            }
        }
        return done
    }

    func channel(of peer: String) -> (any Channel)? { connections.withLock { $0[peer]?.channel } }

    /// Of the loop that serves the connection; nil where it has just closed.
    func executor(of peer: String) -> LoopTaskExecutor? { connections.withLock { $0[peer]?.executor } }

    private static func peer(_ channel: any Channel) -> String? {
        switch channel.remoteAddress {
        case .v4(let address): "ipv4:\(address.host):\(channel.remoteAddress?.port ?? 0)"
        case .v6(let address): "ipv6:[\(address.host)]:\(channel.remoteAddress?.port ?? 0)"
        case .unixDomainSocket, nil: nil
        }
    }
}
