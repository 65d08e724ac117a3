import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Doors

/// The way to the push hub: NIO's decoder in our wrapping, the door's rules and the handshake. Requests in pieces are the
/// requests of the whole; every answer has a well-formed head; who is let in has asked as the protocols say.
enum HTTPUpgrade {
    private static let origin = "https://app.example.com"

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let seed = input.byte()
        let bytes = input.remaining()
        if let request = request(bytes) {
            let handshake = PushHandshake(
                allowedOrigins: [origin], allowsTokenInQuery: choice & 1 != 0, allowsCompression: choice & 2 != 0)
            check(request, handshake)
        }
        guard choice & 4 != 0 else { return }
        let (parts, hasFailed) = parts(of: [bytes])
        let (pieced, hasPiecedFailed) = Self.parts(of: bytes.pieces(seed: seed))
        property("requests in pieces fail as the whole does", holds: hasFailed == hasPiecedFailed)
        if !hasFailed { property("requests in pieces are those of the whole", holds: parts == pieced) }
        checkConnection(parts, seed)
    }

    // MARK: Handshake

    /// The lines of a request as they are, without judging them.
    private static func request(_ bytes: [UInt8]) -> TakeoverRequest? {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        }
        let words = lines[0].split(separator: " ")
        guard words.count >= 2 else { return nil }
        var request = TakeoverRequest(method: String(words[0]), uri: String(words[1]), headers: [])
        for line in lines.dropFirst().prefix(while: { !$0.isEmpty }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            var value = line[line.index(after: colon)...].drop { $0 == " " }
            while value.last == " " { value.removeLast() }
            request.headers.append((String(line[..<colon]), String(value)))
        }
        return request
    }

    private static func check(_ request: TakeoverRequest, _ handshake: PushHandshake) {
        guard PushHandshake.wants(request) else { return }
        let answer = handshake.answer(request)
        let head = checkedHead(answer)
        var shouted = request
        shouted.headers = request.headers.map { (name: $0.name.uppercased(), value: $0.value) }
        // Letters such as ß have capitals of another length: those are other names.
        if request.headers.allSatisfy({ $0.name.utf8.allSatisfy { $0 < 0x80 } }) {
            property("names of headers have no case", holds: checkedHead(handshake.answer(shouted)) == head)
        }
        switch answer {
        case .webSocket(_, let token, let isBrowserToken, let isCompressed):
            property(
                "a WebSocket is asked for at its path with GET",
                holds: request.method == "GET" && request.path == "/push")
            property("a handshake is answered with 101", holds: head[0].hasPrefix("HTTP/1.1 101 "))
            property("one key is accepted", holds: request.values(of: "Sec-WebSocket-Key").count == 1)
            property(
                "compression is agreed on where it is allowed", holds: !isCompressed || handshake.allowsCompression)
            property(
                "compression is said in the answer",
                holds: head.contains { $0.hasPrefix("Sec-WebSocket-Extensions: ") } == isCompressed)
            property("a token of a header is no page's", holds: isBrowserToken || token != nil)
        case .eventSource(_, _, let allowed, let requests):
            property(
                "an event stream is asked for at its path with GET",
                holds: request.method == "GET" && request.path == "/events")
            property("an event stream is of a channel", holds: !requests.isEmpty)
            property("an origin that is let in is allowed", holds: allowed == nil || allowed == origin)
        case .respond: break
        }
    }

    /// The lines of the answer's head.
    private static func checkedHead(_ answer: PushHandshake.Answer) -> [String] {
        let bytes =
            switch answer {
            case .webSocket(let head, _, _, _), .eventSource(let head, _, _, _), .respond(let head): head
            }
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0 }
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var index = 0
        while index < text.count {
            if text[index] == "\r", index + 1 < text.count, text[index + 1] == "\n" {
                if line.isEmpty { break }
                lines.append(String(line))
                line = String.UnicodeScalarView()
                index += 2
                continue
            }
            property("an answer's head has no control characters", holds: text[index].value >= 0x20)
            line.append(text[index])
            index += 1
        }
        property("an answer's head ends", holds: line.isEmpty && index < text.count)
        property("an answer begins with its status", holds: lines.first?.hasPrefix("HTTP/1.1 ") == true)
        property("a header has a name and a value", holds: lines.dropFirst().allSatisfy { $0.contains(": ") })
        return lines
    }

    // MARK: Connection

    private static let limits: HTTPDoor.Limits = {
        var limits = HTTPDoor.Limits()
        limits.targetBytesMax = 500
        limits.headerBytesMax = 600
        limits.headerCountMax = 20
        limits.bodyBytesMax = 1_000
        return limits
    }()

    private struct Taker: ConnectionTakeover {
        func wants(_ request: TakeoverRequest) -> Bool { PushHandshake.wants(request) }
        func take(
            channel: any Channel, request: TakeoverRequest, remoteAddress: SocketAddress?, leftover: ByteBuffer
        ) {}
    }

    /// Neighbouring pieces of a body are one.
    private static func parts(of pieces: [[UInt8]]) -> (parts: [HTTPServerRequestPart], hasFailed: Bool) {
        let channel = EmbeddedChannel()
        var parts: [HTTPServerRequestPart] = []
        var hasFailed = false
        do {
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(RequestDecoder(limits: limits)))
            for piece in pieces where !hasFailed {
                do {
                    try channel.writeInbound(ByteBuffer(bytes: piece))
                } catch {
                    hasFailed = true
                }
                while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                    if case .body(var more) = part, case .body(var body)? = parts.last {
                        body.writeBuffer(&more)
                        parts[parts.count - 1] = .body(body)
                    } else {
                        parts.append(part)
                    }
                }
            }
        } catch {
            fatalError("violated: what the decoder gives is a part of a request: \(error)")
        }
        // What is left over is an error of the end, which says nothing.
        _ = attempt { try channel.finish() }
        return (parts, hasFailed)
    }

    private static func checkConnection(_ parts: [HTTPServerRequestPart], _ seed: UInt8) {
        let rules = RequestRules(limits: limits, takeovers: [Taker()], isTLS: false)
        var machine = ConnectionStateMachine()
        var isAnsweringLate = seed & 1 != 0
        for part in parts {
            let hadInput = machine.wantsInput
            let action: ConnectionStateMachine.PartAction
            switch part {
            case .head(let head):
                let (verdict, takeover) = rules.verdict(on: head)
                if case .refuse(let refusal) = verdict {
                    property("a refusal is a client's fault", holds: (400..<500).contains(refusal.status))
                }
                if let takeover {
                    property("what is taken is the taker's", holds: PushHandshake.wants(takeover.request))
                    property("what is taken has no body", holds: !head.headers.contains(name: "transfer-encoding"))
                }
                action = machine.headReceived(verdict)
            case .body: action = machine.bodyReceived()
            case .end: action = machine.endReceived()
            }
            if !hadInput { property("nothing is read once a connection is done with", holds: action == .discard) }
            if !isAnsweringLate, machine.responsesDue > 0 { _ = machine.responseWritten() }
            isAnsweringLate.toggle()
            property("responses that are due are counted", holds: machine.responsesDue >= 0)
        }
    }
}
