internal import CPushLoop
internal import Logging
public import NIOCore
internal import NIOPosix
internal import NIOSSL

/// How connections come from the HTTP door. Without TLS the descriptor is duplicated, NIO's channel is closed, and the
/// duplicate is the hub's; with TLS the channel stays, and a `ChannelPipe` takes the place of its handlers. What NIO has read
/// of the connection already goes along.
extension PushHub: ConnectionTakeover {
    public func wants(_ request: TakeoverRequest) -> Bool { PushHandshake.wants(request) }

    public func take(
        channel: any Channel, request: TakeoverRequest, remoteAddress: SocketAddress?, leftover: ByteBuffer
    ) {
        let newcomer = Newcomer(
            request: request, leftover: Array(leftover.readableBytesView), peer: remoteAddress?.peerName)
        do {
            let pipeline = channel.pipeline.syncOperations
            if request.isEncrypted {
                let inbox = nextInbox()
                let pipe = ChannelPipe(channel: channel, inbox: inbox)
                try pipeline.addHandler(pipe, position: .after(pipeline.handler(type: NIOSSLServerHandler.self)))
                return adopt(.channel(pipe), newcomer, inbox)
            }
            let duplicate = try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                pushloop_duplicate($0)
            }
            channel.close(promise: nil)
            guard let duplicate, duplicate >= 0 else {
                return refused(duplicate.map { "errno \(-$0)" } ?? "the channel has no descriptor")
            }
            adopt(descriptor: duplicate, newcomer)
        } catch {
            channel.close(promise: nil)
            refused("\(error)")
        }
    }

    /// Takes a connection on which a request was read: a non-blocking descriptor that is the hub's from here on, closed by it
    /// also when it does not serve.
    func adopt(descriptor: CInt, _ newcomer: Newcomer) {
        let inbox = nextInbox()
        switch shared.configuration.sockets {
        case .descriptors:
            adopt(.descriptor(descriptor), newcomer, inbox)
        case .channels:
            ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .withConnectedSocket(descriptor)
                .flatMapThrowing { channel in
                    let pipe = ChannelPipe(channel: channel, inbox: inbox)
                    try channel.pipeline.syncOperations.addHandler(pipe)
                    self.adopt(.channel(pipe), newcomer, inbox)
                }
                .whenFailure { self.refused("\($0)") }
        }
    }

    private func adopt(_ socket: AdoptedSocket, _ newcomer: Newcomer, _ inbox: LoopInbox) {
        let message = LoopMessage.adopt(
            socket, newcomer.request, leftover: newcomer.leftover, peer: newcomer.peer)
        if !inbox.put(message) { socket.close() }
    }

    private func refused(_ reason: String) {
        shared.logger.error("push: a connection could not be taken over", metadata: ["error": "\(reason)"])
    }
}

/// A connection's first request, and what is known of it besides.
struct Newcomer: Sendable {
    var request: TakeoverRequest
    /// Read behind the request's head.
    var leftover: [UInt8]
    /// What its connections are counted by; nil: they are not.
    var peer: String?
}
