internal import CZlib
internal import NIOCore

/// Packs a body piece by piece into one gzip file. For one task; it ends with the last piece.
final class GzipStream {
    private var stream = z_stream()

    /// Nil where zlib has no memory left.
    init?() {
        guard Gzip.begin(&stream) else { return nil }
    }

    deinit { deflateEnd(&stream) }

    /// What can be sent so far; it may be nothing.
    func pack(_ piece: ByteBuffer) -> ByteBuffer { pack(piece, flush: Z_NO_FLUSH) }

    /// The end of the file.
    func finish() -> ByteBuffer { pack(ByteBuffer(), flush: Z_FINISH) }

    private func pack(_ piece: ByteBuffer, flush: Int32) -> ByteBuffer {
        var packed = ByteBuffer()
        piece.withUnsafeReadableBytes { input in
            // zlib does not write to its input; its interface only says so in newer versions.
            stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input.count)
            var isFull = true
            while isFull {
                packed.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { output in
                    stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(output.count)
                    _ = deflate(&stream, flush)
                    isFull = stream.avail_out == 0
                    return output.count - Int(stream.avail_out)
                }
            }
        }
        return packed
    }
}
