internal import CZlib
internal import NIOCore

/// Packs a body piece by piece into one gzip file. For one task; it ends with the last piece.
final class GzipStream {
    private let stream: ZlibStream

    /// Nil where zlib has no memory left.
    init?() {
        guard let stream = ZlibStream(packing: CZLIB_GZIP, level: Gzip.level) else { return nil }
        self.stream = stream
    }

    /// What can be sent so far; it may be nothing.
    func pack(_ piece: ByteBuffer) -> ByteBuffer { pack(piece, flush: CZLIB_NO_FLUSH) }

    /// The end of the file.
    func finish() -> ByteBuffer { pack(ByteBuffer(), flush: CZLIB_FINISH) }

    private func pack(_ piece: ByteBuffer, flush: czlib_flush) -> ByteBuffer {
        var packed = ByteBuffer()
        piece.withUnsafeReadableBytes { piece in
            var input = piece
            var isFull = true
            while isFull {
                packed.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { output in
                    let written = stream.pack(&input, to: output, flush: flush).written
                    isFull = written == output.count
                    return written
                }
            }
        }
        return packed
    }
}
