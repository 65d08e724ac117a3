import Testing

@testable import millrace

struct ClientHandshakeTests {
    /// The key and its answer are the example of RFC 6455, section 1.3.
    private let handshake = ClientHandshake(
        nonce: (UInt64(bigEndian: 0x7468_6520_7361_6D70), UInt64(bigEndian: 0x6C65_206E_6F6E_6365)))

    private let accepted = """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: WebSocket\r
        connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        Sec-WebSocket-Protocol: millrace.v1\r
        \r\n
        """

    private func answer(_ text: String, isEnded: Bool = false) -> ClientHandshake.Answer {
        handshake.answer(Array(text.utf8), isEnded: isEnded)
    }

    @Test func theRequestHoldsKeyHostAndToken() throws {
        #expect(handshake.key == "dGhlIHNhbXBsZSBub25jZQ==")
        let request = String(
            decoding: handshake.request(to: try PushAddress("ws://127.0.0.1:8080/push?a=1"), token: "x.y.z"),
            as: UTF8.self)
        #expect(request.hasPrefix("GET /push?a=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"))
        #expect(request.contains("\r\nAuthorization: Bearer x.y.z\r\n"))
        #expect(request.hasSuffix("\r\n\r\n") && !request.hasSuffix("\r\n\r\n\r\n"))
    }

    @Test func aWholeAnswerIsAnUpgradeAndWhatFollowsIsNot() {
        let head = accepted.utf8.count
        #expect(answer(accepted) == .upgraded(headBytes: head))
        #expect(answer(accepted + "\u{01}\u{02}") == .upgraded(headBytes: head))
        for count in 0..<head { #expect(answer(String(accepted.utf8.prefix(count)) ?? "") == .incomplete) }
    }

    @Test func aRefusalIsReadWhole() {
        let body = #"{"type":"error","code":"unauthorized","message":"the token has expired"}"#
        let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        #expect(answer(head) == .incomplete)
        #expect(answer(head + body.dropLast()) == .incomplete)
        #expect(answer(head + body) == .refused(status: 401, reason: "the token has expired"))
        #expect(
            answer("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", isEnded: true)
                == .refused(status: 502, reason: "Bad Gateway"))
        #expect(answer("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n") == .refused(status: 404, reason: ""))
        // Of a connection that stays open: its end was waited for until the time was over, and the status not told.
        #expect(
            answer("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html")
                == .refused(status: 403, reason: "Forbidden"))
    }

    @Test(arguments: [
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\r\n\r\n",
    ])
    func whatAnswersNoUpgradeIsMalformed(text: String) {
        guard case .malformed = answer(text) else {
            Issue.record("\(answer(text))")
            return
        }
    }

    @Test func whatWasNotOfferedIsNotAgreedTo() {
        for line in ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: other"] {
            let text = accepted.replacing("Sec-WebSocket-Protocol: millrace.v1", with: line)
            guard case .malformed = answer(text) else {
                Issue.record("\(line): \(answer(text))")
                continue
            }
        }
    }

    @Test func anEndWithoutAnAnswerIsMalformedAndAHeadIsBounded() {
        for text in ["", "HTTP/1.1 101 Swi"] {
            guard case .malformed = answer(text, isEnded: true) else {
                Issue.record("\(text)")
                continue
            }
        }
        let endless = String(repeating: "a", count: ClientHandshake.headBytesMax)
        #expect(answer(endless) == .incomplete)
        guard case .malformed = answer(endless + "a") else {
            Issue.record("a head without an end is read for ever")
            return
        }
    }
}
