import HTTPTypes
import Hummingbird
import NIOCore

/// A page that the program itself serves: its own scripts and styles, and nothing from elsewhere.
struct Page: Sendable {
    private let contentSecurityPolicy: String

    /// - Parameter connections: where its scripts may connect, as a Content-Security-Policy says it.
    init(connections: String) {
        contentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src \(connections); "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    /// One of its files.
    func asset(_ bytes: [UInt8], type: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-cache"
        headers[.contentSecurityPolicy] = contentSecurityPolicy
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension Request {
    /// The host that the request names, without its port.
    ///
    /// A page of another site whose name was made to point to this machine (DNS rebinding) names its own.
    var host: Substring {
        let authority = head.authority ?? ""
        guard !authority.hasSuffix("]"), let colon = authority.lastIndex(of: ":") else { return authority[...] }
        return authority[..<colon]
    }
}
