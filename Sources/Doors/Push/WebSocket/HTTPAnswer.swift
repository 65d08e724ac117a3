internal import NIOCore

/// HTTP/1.1 responses that the hub writes itself on a connection it has taken. Each ends its connection.
enum HTTPAnswer {
    /// A body in the protocol's own error form.
    static func error(
        _ status: Int, _ error: RequestError, headers: [(String, String)] = [], origin: String? = nil
    ) -> [UInt8] {
        let body = ServerMessage.error(id: nil, error)
        let all =
            headers + crossOrigin(origin) + [
                ("Content-Type", "application/json"), ("Cache-Control", "no-store"),
                ("Content-Length", String(body.readableBytes)), ("Connection", "close"),
            ]
        return head(status, headers: all) + Array(body.readableBytesView)
    }

    /// RFC 6750 section 3.
    static func unauthorized(_ message: String, origin: String? = nil) -> [UInt8] {
        error(
            401, RequestError(.unauthorized, message),
            headers: [("WWW-Authenticate", "Bearer error=\"invalid_token\"")],
            origin: origin)
    }

    /// Not now; `Retry-After` is in whole seconds.
    static func unavailable(_ message: String, retryAfterMilliseconds: Int, origin: String? = nil) -> [UInt8] {
        error(
            503, RequestError(.unavailable, message),
            headers: [("Retry-After", String(retryAfterMilliseconds / 1000 + 1))], origin: origin)
    }

    /// The answer to a page's question whether it may send `Authorization`.
    static func preflight(origin: String?) -> [UInt8] {
        head(
            204,
            headers: crossOrigin(origin) + [
                ("Access-Control-Allow-Methods", "GET"),
                ("Access-Control-Allow-Headers", "Authorization, Last-Event-ID, Cache-Control"),
                ("Access-Control-Max-Age", "600"), ("Connection", "close"),
            ])
    }

    /// The body of a stream ends with its connection, so it needs neither a length nor chunks.
    static func eventStreamHead(origin: String?) -> [UInt8] {
        head(
            200,
            headers: crossOrigin(origin) + [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"),
                ("Connection", "close"),
            ])
    }

    static func head(_ status: Int, headers: [(String, String)]) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(reasons[status] ?? "Error")\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Only an origin that was found in the allow-list comes here.
    private static func crossOrigin(_ origin: String?) -> [(String, String)] {
        origin.map { [("Access-Control-Allow-Origin", $0), ("Vary", "Origin")] } ?? []
    }

    private static let reasons = [
        101: "Switching Protocols", 200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found", 405: "Method Not Allowed", 426: "Upgrade Required", 429: "Too Many Requests",
        503: "Service Unavailable",
    ]
}
