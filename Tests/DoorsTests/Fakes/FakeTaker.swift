import Glibc
import NIOCore
import Synchronization

@testable import Doors

/// Takes connections on one path: duplicates the descriptor, closes NIO's channel, and answers by `send`; through the channel
/// where it is encrypted.
final class FakeTaker: ConnectionTakeover {
    let path: String
    /// What was handed over, in order.
    let taken = Mutex<[(request: TakeoverRequest, leftover: String, address: SocketAddress?)]>([])

    init(path: String = "/push") {
        self.path = path
    }

    func wants(_ request: TakeoverRequest) -> Bool {
        request.method == "GET" && request.path == path
    }

    func take(channel: any Channel, request: TakeoverRequest, remoteAddress: SocketAddress?, leftover: ByteBuffer) {
        let text = String(buffer: leftover)
        taken.withLock { $0.append((request, text, remoteAddress)) }
        let answer = Array("HTTP/1.1 200 Taken\r\nContent-Length: \(text.utf8.count + 6)\r\n\r\ntaken:\(text)".utf8)
        guard !request.isEncrypted else {
            channel.writeAndFlush(ByteBuffer(bytes: answer)).whenComplete { _ in channel.close(promise: nil) }
            return
        }
        // Nil where the transport is no socket, and where `dup` finds no free descriptor.
        let duplicate = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) {
            dup($0)
        }
        let descriptor = duplicate.flatMap { $0 } ?? -1
        channel.close(promise: nil)
        guard descriptor >= 0 else { return }
        _ = answer.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        close(descriptor)
    }
}
