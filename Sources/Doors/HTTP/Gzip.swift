internal import CZlib
internal import NIOCore

/// Bodies packed and unpacked with zlib, each in one piece.
enum Gzip {
    /// Shorter bodies grow, or save less than a packet.
    static let worthwhileBytes = 1_024
    /// The fastest level: JSON shrinks to a fifth with it, and the time counts more than the rest.
    private static let level: Int32 = 1
    /// Window of 32 KiB, and the framing of gzip.
    private static let gzipWindow: Int32 = 15 + 16
    /// The framing is found out: gzip or zlib.
    private static let anyWindow: Int32 = 15 + 32
    private static let memoryLevel: Int32 = 8
    private static let pieceBytes = 64 << 10

    /// Whether a client that sends this `Accept-Encoding` takes gzip.
    static func isTaken(_ header: String?) -> Bool {
        guard let header else { return false }
        return header.lowercased().split(separator: ",").contains { part in
            let words = part.split(separator: ";").map { $0.filter { $0 != " " } }
            guard words.first == "gzip" || words.first == "x-gzip" else { return false }
            return !words.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
        }
    }

    /// Begins to pack; false where zlib has no memory left.
    static func begin(_ stream: inout z_stream) -> Bool {
        deflateInit2_(
            &stream, level, Z_DEFLATED, gzipWindow, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    /// Nil where zlib has no memory left: then the body goes as it is.
    static func compressed(_ bytes: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        guard begin(&stream) else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.readableBytes)))
        var packed = ByteBuffer()
        var status = Z_OK
        _ = bytes.withUnsafeReadableBytes { input in
            packed.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
                // zlib does not write to its input; its interface only says so in newer versions.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(output.count)
                status = deflate(&stream, Z_FINISH)
                return output.count - Int(stream.avail_out)
            }
        }
        return status == Z_STREAM_END ? packed : nil
    }

    /// Throws what the caller is to hear: 400 for what is no such data, 413 for more than `bytesMax`. A file of several members
    /// (RFC 1952, section 2.2) is what all of them hold.
    static func unpacked(_ bytes: ByteBuffer, bytesMax: Int) throws -> ByteBuffer {
        var stream = z_stream()
        guard inflateInit2_(&stream, anyWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw OrgError(status: 500, errorCode: "UNKNOWN_EXCEPTION", message: "The body could not be unpacked.")
        }
        defer { inflateEnd(&stream) }
        var whole = ByteBuffer()
        try bytes.withUnsafeReadableBytes { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            while status == Z_OK {
                whole.writeWithUnsafeMutableBytes(minimumWritableBytes: pieceBytes) { output in
                    stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(output.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    return output.count - Int(stream.avail_out)
                }
                guard whole.readableBytes <= bytesMax else { throw NIOTooManyBytesError(maxBytes: bytesMax) }
                if status == Z_STREAM_END, stream.avail_in > 0 { status = inflateReset(&stream) }
            }
            guard status == Z_STREAM_END else {
                throw OrgError.badRequest("INVALID_REQUEST", "The body is not what its Content-Encoding says.")
            }
        }
        return whole
    }
}
