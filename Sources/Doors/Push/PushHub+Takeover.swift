internal import CPushLoop
internal import Logging
public import NIOCore
internal import NIOPosix

/// How connections come from the HTTP door: the descriptor is duplicated, NIO's channel is closed, and what NIO has read of
/// them already goes along. The duplicate stays open and is the hub's.
extension PushHub: ConnectionTakeover {
    public func wants(_ request: TakeoverRequest) -> Bool { PushHandshake.wants(request) }

    public func take(
        channel: any Channel, request: TakeoverRequest, remoteAddress: SocketAddress?, leftover: ByteBuffer
    ) {
        var descriptor: CInt = -1
        var failure = "the channel has no descriptor"
        do {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { handle in
                descriptor = pushloop_duplicate(handle)
                failure = "errno \(-descriptor)"
            }
        } catch {
            failure = "\(error)"
        }
        channel.close(promise: nil)
        guard descriptor >= 0 else {
            return shared.logger.error("push: a connection could not be taken over", metadata: ["error": "\(failure)"])
        }
        adopt(
            descriptor: descriptor, request: request, leftover: Array(leftover.readableBytesView),
            peer: remoteAddress?.peerName)
    }
}
