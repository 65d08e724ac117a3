internal import CZlib
internal import NIOCore

/// Bodies packed and unpacked with zlib, each in one piece.
enum Gzip {
    /// Shorter bodies grow, or save less than a packet.
    static let worthwhileBytes = 1_024
    /// The fastest: JSON shrinks to a fifth with it, and the time counts more than the rest.
    static let level: Int32 = 1
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

    /// Nil where zlib has no memory left: then the body goes as it is.
    static func compressed(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard let stream = ZlibStream(packing: CZLIB_GZIP, level: level) else { return nil }
        var packed = ByteBuffer()
        var status = ZlibStream.Status.goesOn
        bytes.withUnsafeReadableBytes { bytes in
            var input = bytes
            _ = packed.writeWithUnsafeMutableBytes(minimumWritableBytes: stream.bound(bytes.count)) { output in
                let step = stream.pack(&input, to: output, flush: CZLIB_FINISH)
                status = step.status
                return step.written
            }
        }
        return status == .ended ? packed : nil
    }

    /// Throws what the caller is to hear: 400 for what is no such data, 413 for more than `bytesMax`. A file of several members
    /// (RFC 1952, section 2.2) is what all of them hold.
    static func unpacked(_ bytes: ByteBuffer, bytesMax: Int) throws -> ByteBuffer {
        guard let stream = ZlibStream(unpacking: CZLIB_ANY) else {
            throw OrgError(status: 500, errorCode: "UNKNOWN_EXCEPTION", message: "The body could not be unpacked.")
        }
        var whole = ByteBuffer()
        try bytes.withUnsafeReadableBytes { bytes in
            var input = bytes
            var status = ZlibStream.Status.goesOn
            while status == .goesOn {
                whole.writeWithUnsafeMutableBytes(minimumWritableBytes: pieceBytes) { output in
                    let step = stream.unpack(&input, to: output)
                    status = step.status
                    return step.written
                }
                guard whole.readableBytes <= bytesMax else { throw NIOTooManyBytesError(maxBytes: bytesMax) }
                if status == .ended, !input.isEmpty {
                    stream.restart()
                    status = .goesOn
                }
            }
            guard status == .ended else {
                throw OrgError.badRequest("INVALID_REQUEST", "The body is not what its Content-Encoding says.")
            }
        }
        return whole
    }
}
