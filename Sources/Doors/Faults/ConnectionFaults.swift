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
    /// Ends the connection at once; what has not been sent is lost. At the socket: the handlers above would say goodbye first.
    static func cut(_ channel: any Channel) { add(CuttingHandler(), to: channel) }

    /// Lets nothing through any more while the connection stays open: what a client sees of a machine that lost its power, or
    /// of a firewall that forgot the connection. It ends when a deadline of either side closes it.
    static func silence(_ channel: any Channel) { add(SilentHandler(), to: channel) }

    /// Asks the connection's own HTTP/2 handler to say GOAWAY, as it does when the server stops.
    static func goAway(_ channel: any Channel) {
        channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// Nearest to the socket.
    private static func add(_ handler: some ChannelHandler & Sendable, to channel: any Channel) {
        channel.pipeline.addHandler(handler, position: .first).whenFailure { _ in
            // The connection has just ended by itself.
            channel.close(mode: .all, promise: nil)
        }
    }
}

/// Closes the socket, whatever the handlers above still want to say.
private final class CuttingHandler: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) { context.close(mode: .all, promise: nil) }
}

/// Swallows what comes and what goes.
private final class SilentHandler: ChannelDuplexHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // The kernel would have taken the bytes too.
        promise?.succeed()
    }
}
