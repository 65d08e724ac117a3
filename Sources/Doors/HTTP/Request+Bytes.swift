internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension Request {
    /// The whole body, unpacked where it came compressed. Throws `NIOTooManyBytesError` for more than `bytesMax`, packed or
    /// unpacked, and 415 for a packing that is not known.
    func bytes(upTo bytesMax: Int) async throws -> ByteBuffer {
        let bytes = try await body.collect(upTo: bytesMax)
        switch headers[.contentEncoding]?.lowercased() {
        case nil, "identity":
            return bytes
        case "gzip", "x-gzip", "deflate":
            return try Gzip.unpacked(bytes, bytesMax: bytesMax)
        case let other?:
            throw OrgError(
                status: 415, errorCode: "UNSUPPORTED_MEDIA_TYPE",
                message: "Content-Encoding \(other) is not supported. Supported are gzip and deflate.")
        }
    }
}
