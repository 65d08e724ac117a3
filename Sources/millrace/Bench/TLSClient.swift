import NIOCore
import NIOEmbedded
import NIOSSL

/// TLS between a socket and the frames, for one connection: SwiftNIO's handler, fed by hand. Owned by one loop, and used on its
/// thread only. Costs some 50 KB, which connections without TLS do not.
final class TLSClient {
    private let channel: EmbeddedChannel

    /// - Parameters:
    ///   - host: what the certificate must be for.
    ///   - address: the host's, in numbers: a certificate may be for that instead.
    init(context: NIOSSLContext, host: String, address: String) throws {
        // Server Name Indication is for names.
        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
        let handler = try NIOSSLClientHandler(context: context, serverHostname: isName ? host : nil)
        channel = EmbeddedChannel(handler: handler)
        // Connects nothing: it tells the handler to begin, and whom it is talking to. The port is not looked at.
        channel.connect(to: try SocketAddress(ipAddress: address, port: 1), promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// What is to be written to the socket.
    func takeOutbound() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    /// Takes what is meant for the server; before the handshake is done it waits.
    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// Takes what came from the socket, and gives what it says. Throws what is wrong with the peer or its certificate.
    func received(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        channel.embeddedEventLoop.run()
        try channel.throwIfErrorCaught()
        var plain: [UInt8] = []
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { plain += buffer.readableBytesView }
        return plain
    }

    /// What is to be written so that the peer knows of the end; then frees what the channel holds. The peer's own farewell is not
    /// waited for: to the handler the time for it is over at once.
    func end() -> [UInt8] {
        channel.close(promise: nil)
        channel.embeddedEventLoop.run()
        let farewell = try? takeOutbound()
        channel.embeddedEventLoop.advanceTime(by: Self.farewellTimeMax)
        return farewell ?? []
    }

    /// Longer than the handler waits.
    private static let farewellTimeMax = TimeAmount.minutes(1)
}
