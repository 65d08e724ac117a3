internal import Crypto
internal import Foundation

/// The first answer on a taken connection: the WebSocket handshake (RFC 6455 section 4.2), the head of an event stream, or an
/// HTTP error. Pure: request in, bytes out; whether a token is good is the loop's question.
struct PushHandshake {
    enum Answer {
        /// - `token`: from the header or the subprotocol; nil: the first message brings it.
        /// - `isBrowserToken`: it came as a subprotocol, from a page that cannot read an HTTP status: a refusal is a close code.
        /// - `isCompressed`: `permessage-deflate` was agreed on.
        case webSocket(head: [UInt8], token: String?, isBrowserToken: Bool, isCompressed: Bool)
        /// - `origin`: of the page, where one asks; it is allowed.
        case eventSource(head: [UInt8], token: String, origin: String?, [SubscribeRequest])
        /// A whole response; the connection ends after it.
        case respond([UInt8])
    }

    static let webSocketPath = "/push"
    static let eventSourcePath = "/events"
    static let subprotocol = "millrace.v1"
    private static let tokenPrefix = "bearer."

    var allowedOrigins: Set<String>
    var allowsTokenInQuery: Bool
    var allowsCompression: Bool

    /// Whether a request is for the hub.
    static func wants(_ request: TakeoverRequest) -> Bool {
        request.path == webSocketPath || request.path == eventSourcePath
    }

    func answer(_ request: TakeoverRequest) -> Answer {
        let origins = request.values(of: "Origin")
        guard origins.isEmpty || (origins.count == 1 && allowedOrigins.contains(origins[0])) else {
            return .respond(HTTPAnswer.error(403, RequestError(.unauthorized, "this origin is not allowed here")))
        }
        let origin = origins.first
        if request.method == "OPTIONS" { return .respond(HTTPAnswer.preflight(origin: origin)) }
        guard request.method == "GET" else {
            return .respond(
                HTTPAnswer.error(
                    405, RequestError(.badRequest, "the method is GET"), headers: [("Allow", "GET, OPTIONS")],
                    origin: origin))
        }
        return request.path == Self.webSocketPath ? webSocket(request) : eventSource(request, origin: origin)
    }

    private func webSocket(_ request: TakeoverRequest) -> Answer {
        func tokens(_ name: String) -> [String] {
            request.values(of: name).flatMap { $0.split(separator: ",") }.map { String(Self.trimmed($0)) }
        }
        func refuse(_ status: Int, _ reason: String, headers: [(String, String)] = []) -> Answer {
            .respond(HTTPAnswer.error(status, RequestError(.badRequest, reason), headers: headers))
        }
        guard tokens("Upgrade").contains(where: { $0.lowercased() == "websocket" }),
            tokens("Connection").contains(where: { $0.lowercased() == "upgrade" })
        else {
            return refuse(426, "this address speaks WebSocket", headers: [("Upgrade", "websocket")])
        }
        guard tokens("Sec-WebSocket-Version") == ["13"] else {
            return refuse(
                426, "the WebSocket version is 13",
                headers: [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")])
        }
        let keys = request.values(of: "Sec-WebSocket-Key")
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
            return refuse(400, "Sec-WebSocket-Key is 16 bytes in base64")
        }
        let protocols = tokens("Sec-WebSocket-Protocol")
        guard protocols.isEmpty || protocols.contains(Self.subprotocol) else {
            return refuse(400, "the subprotocol is \(Self.subprotocol)")
        }
        var headers = [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", Self.accept(key: keys[0])),
        ]
        if !protocols.isEmpty { headers.append(("Sec-WebSocket-Protocol", Self.subprotocol)) }
        let compression =
            allowsCompression ? MessageDeflate.agreement(to: request.values(of: "Sec-WebSocket-Extensions")) : nil
        if let compression { headers.append(("Sec-WebSocket-Extensions", compression)) }
        let isCompressed = compression != nil
        let head = HTTPAnswer.head(101, headers: headers)
        guard let parameters = parameters(request) else { return refuse(400, Self.badEncoding) }
        guard !parameters.contains(where: { $0.name == "access_token" }) else {
            return refuse(
                400,
                "a token does not travel in the address: use the Authorization header, a subprotocol or the first message"
            )
        }
        if let token = bearer(request) {
            return .webSocket(head: head, token: token, isBrowserToken: false, isCompressed: isCompressed)
        }
        let token = protocols.first { $0.hasPrefix(Self.tokenPrefix) }.map {
            String($0.dropFirst(Self.tokenPrefix.count))
        }
        return .webSocket(head: head, token: token, isBrowserToken: true, isCompressed: isCompressed)
    }

    private func eventSource(_ request: TakeoverRequest, origin: String?) -> Answer {
        func refuse(_ status: Int, _ error: RequestError) -> Answer {
            .respond(HTTPAnswer.error(status, error, origin: origin))
        }
        guard let parameters = parameters(request) else {
            return refuse(400, RequestError(.badRequest, Self.badEncoding))
        }
        func value(_ name: String) -> String? { parameters.first { $0.name == name }?.value }
        var token = bearer(request)
        if let inQuery = value("access_token") {
            guard allowsTokenInQuery else {
                return refuse(
                    401,
                    RequestError(
                        .unauthorized, "a token in the address is not allowed here: use the Authorization header"))
            }
            token = token ?? inQuery
        }
        guard let token else {
            return .respond(HTTPAnswer.unauthorized("a token is needed: Authorization: Bearer …", origin: origin))
        }
        let channels = parameters.filter { $0.name == "channel" }.map(\.value)
        guard !channels.isEmpty else { return refuse(400, RequestError(.badRequest, "at least one channel is needed")) }
        guard Set(channels).count == channels.count else {
            return refuse(400, RequestError(.badRequest, "a channel is named twice"))
        }
        // A browser that reconnects sends the last `id:` and the address it began with: the id is the newer place.
        let lastEventID = request.values(of: "Last-Event-ID").last.flatMap { $0.isEmpty ? nil : $0 }
        do throws(RequestError) {
            let requests = try channels.map { channel throws(RequestError) in
                try SubscribeRequest(
                    channel: channel, condition: value("where"), replay: lastEventID ?? value("replay"),
                    form: value("form"),
                    slow: value("slow"))
            }
            return .eventSource(
                head: HTTPAnswer.eventStreamHead(origin: origin), token: token, origin: origin, requests)
        } catch {
            return refuse(400, error)
        }
    }

    private func bearer(_ request: TakeoverRequest) -> String? {
        let scheme = "bearer "
        // Of the prefix alone: the token behind it is long.
        guard let value = request.values(of: "Authorization").first,
            value.utf8.prefix(scheme.utf8.count).map({ $0 | 0x20 }).elementsEqual(scheme.utf8)
        else { return nil }
        return String(Self.trimmed(value.dropFirst(scheme.count)))
    }

    /// Without the spaces and tabs around it.
    private static func trimmed(_ text: Substring) -> Substring {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let bytes = text.utf8.drop(while: isSpace)
        let end = bytes.lastIndex { !isSpace($0) }.map { bytes.index(after: $0) } ?? bytes.startIndex
        return text[bytes.startIndex..<end]
    }

    /// Parameters of the address; nil when one cannot be decoded: to pass it over would be to serve something else than what
    /// was asked for.
    private func parameters(_ request: TakeoverRequest) -> [(name: String, value: String)]? {
        guard let mark = request.uri.firstIndex(of: "?") else { return [] }
        return FormDecoding.parameters(request.uri[request.uri.index(after: mark)...].prefix { $0 != "#" })
    }

    private static let badEncoding = "the parameters are not UTF-8 in percent encoding"

    private static func accept(key: String) -> String {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return Data(digest).base64EncodedString()
    }
}
