public import NIOCore

/// The connection that the current HTTP request came on, for whoever needs more of it than the request: its address, or the
/// right to end it.
public enum HTTPConnection {
    @TaskLocal static var channel: (any Channel)?

    /// Who calls; nil outside of a request.
    public static var remoteAddress: SocketAddress? { channel?.remoteAddress }

    /// True where the caller is on this machine.
    public static var isFromLoopback: Bool {
        switch remoteAddress {
        case .v4(let address): address.host.hasPrefix("127.")
        case .v6(let address): address.host == "::1" || address.host.hasPrefix("::ffff:127.")
        case .unixDomainSocket: true
        case nil: false
        }
    }
}

/// What a connection's channel has to suffer.
enum ConnectionFaults {
    /// Ends the connection at once; what has not been sent is lost.
    static func cut(_ channel: any Channel) { channel.close(mode: .all, promise: nil) }

    /// Lets nothing through any more while the connection stays open: what a client sees of a machine that lost its power, or
    /// of a firewall that forgot the connection. It ends when a deadline of either side closes it.
    static func silence(_ channel: any Channel) {
        channel.eventLoop.execute {
            do {
                try channel.pipeline.syncOperations.addHandler(SilentHandler(), position: .first)
            } catch {
                // The connection has just ended by itself.
                channel.close(mode: .all, promise: nil)
            }
        }
    }

    /// Asks the connection's own HTTP/2 handler to say GOAWAY, as it does when the server stops.
    static func goAway(_ channel: any Channel) {
        channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
}

/// Nearest to the socket: swallows what comes and what goes.
private final class SilentHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // The kernel would have taken the bytes too.
        promise?.succeed()
    }
}
