import Crypto
import Foundation

/// The upgrade to WebSocket from the client's side (RFC 6455 section 4.1). Pure.
///
/// The token travels in the header `Authorization`, where a refusal is a status with a reason. `permessage-deflate` is not
/// offered: events come as they are.
struct ClientHandshake: Hashable, Sendable {
    static let headBytesMax = 16 * 1024
    static let bodyBytesMax = 64 * 1024
    private static let subprotocol = "millrace.v1"

    enum Answer: Hashable, Sendable {
        case incomplete
        /// What stands behind the head is frames.
        case upgraded(headBytes: Int)
        case refused(status: Int, reason: String)
        /// Not an answer to a WebSocket upgrade.
        case malformed(String)
    }

    /// `Sec-WebSocket-Key`, another one for each connection.
    let key: String

    /// - Parameter nonce: drawn at random.
    init(nonce: (UInt64, UInt64)) {
        key = withUnsafeBytes(of: nonce) { Data($0) }.base64EncodedString()
    }

    func request(to address: PushAddress, token: String) -> [UInt8] {
        Array(
            """
            GET \(address.target) HTTP/1.1\r
            Host: \(address.authority)\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: \(key)\r
            Sec-WebSocket-Protocol: \(Self.subprotocol)\r
            Authorization: Bearer \(token)\r
            \r\n
            """.utf8)
    }

    /// What the server's bytes so far say.
    /// - Parameter isEnded: no more will come.
    func answer(_ bytes: [UInt8], isEnded: Bool = false) -> Answer {
        guard let headBytes = Self.endOfHead(bytes) else {
            if bytes.count > Self.headBytesMax { return .malformed("the head of its answer has no end") }
            guard isEnded else { return .incomplete }
            return .malformed(bytes.isEmpty ? "it ended without an answer" : "its answer is cut off")
        }
        let lines = String(decoding: bytes[..<headBytes], as: UTF8.self).split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].count == 3, let status = Int(words[1]) else {
            return .malformed("its answer is not HTTP/1.1")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        if status == 101 { return upgraded(headers, headBytes: headBytes) }
        let body = bytes[headBytes...].prefix(Self.bodyBytesMax)
        // A gateway's body has a length. In chunks it is a proxy's: nothing that is read here, and its end may never come.
        let isChunked = headers["transfer-encoding"] != nil
        let length = min(headers["content-length"].flatMap { Int($0) } ?? .max, Self.bodyBytesMax)
        guard body.count >= length || isChunked || isEnded else { return .incomplete }
        let phrase = words.count > 2 ? String(words[2]) : ""
        return .refused(status: status, reason: Self.reason(body) ?? phrase)
    }

    private func upgraded(_ headers: [String: String], headBytes: Int) -> Answer {
        guard headers["upgrade"]?.lowercased() == "websocket", headers["sec-websocket-accept"] == accept else {
            return .malformed("its 101 does not answer this upgrade")
        }
        guard headers["sec-websocket-extensions"] == nil else {
            return .malformed("it agrees to an extension that was not offered")
        }
        guard headers["sec-websocket-protocol"] == Self.subprotocol else {
            return .malformed("it does not speak \(Self.subprotocol)")
        }
        return .upgraded(headBytes: headBytes)
    }

    private var accept: String {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return Data(digest).base64EncodedString()
    }

    /// What a gateway says in the body of a refusal; a proxy says something else.
    private static func reason(_ body: ArraySlice<UInt8>) -> String? {
        struct Refusal: Decodable { var message: String }
        return (try? JSONDecoder().decode(Refusal.self, from: Data(body)))?.message
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<min(bytes.count, headBytesMax) where bytes[index] == 0x0A {
            if bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A, bytes[index - 3] == 0x0D { return index + 1 }
        }
        return nil
    }
}
