import NIOCore

@testable import Doors

/// What zlib unpacks for us: never more than the bound, and what was packed comes back as it was, `permessage-deflate` and
/// gzip, in one piece and in several.
enum Inflation {
    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let bytesMax = [1, 100, 1_000, 100_000][Int(choice & 3)]
        let bytes = input.remaining()
        let buffer = ByteBuffer(bytes: bytes)
        if let message = attempt({ try MessageDeflate.inflated(bytes, bytesMax: bytesMax) }) {
            property("an inflated message is not longer than its bound", holds: message.count <= bytesMax)
        }
        if let body = attempt({ try Gzip.unpacked(buffer, bytesMax: bytesMax) }) {
            property("an unpacked body is not longer than its bound", holds: body.readableBytes <= bytesMax)
        }
        if let packed = MessageDeflate.compressed(buffer) {
            property("a message is compressed only where it shrinks", holds: packed.readableBytes < bytes.count)
            let again = must("a compressed message can be inflated") {
                try MessageDeflate.inflated(Array(packed.readableBytesView), bytesMax: bytes.count)
            }
            property("a message is inflated to what it was", holds: again == bytes)
        }
        guard choice & 4 != 0 else { return }
        if let packed = Gzip.compressed(buffer) {
            let again = must("a packed body can be unpacked") { try Gzip.unpacked(packed, bytesMax: bytes.count) }
            property("a body is unpacked to what it was", holds: again == buffer)
        }
        guard let stream = GzipStream() else { return }
        var file = ByteBuffer()
        for piece in bytes.pieces(seed: choice) { file.writeImmutableBuffer(stream.pack(ByteBuffer(bytes: piece))) }
        file.writeImmutableBuffer(stream.finish())
        let again = must("a file packed in pieces can be unpacked") { try Gzip.unpacked(file, bytesMax: bytes.count) }
        property("a file packed in pieces is unpacked to what it was", holds: again == buffer)
    }
}
