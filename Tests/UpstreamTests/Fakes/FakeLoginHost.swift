import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A token endpoint on loopback: answers what the test says and records the requests' bodies.
final class FakeLoginHost: Sendable {
    struct Answer: Sendable {
        var status = 200
        var body: String
        var headers: [(String, String)] = []
        /// Only the first half of the body comes.
        var standsStill = false

        static func token(_ token: String) -> Answer {
            Answer(
                body: """
                    {"access_token":"\(token)","scope":"api","instance_url":"https://fake.my.salesforce.com",\
                    "id":"https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA","token_type":"Bearer"}
                    """)
        }

        static func error(_ code: String, _ description: String, status: Int = 400) -> Answer {
            Answer(status: status, body: #"{"error":"\#(code)","error_description":"\#(description)"}"#)
        }
    }

    struct Request: Sendable {
        var uri: String
        var body: String
    }

    private struct State {
        var requests: [Request] = []
        var answers: [Answer] = []
    }

    private let state = Mutex(State())

    /// The answers are used in order; the last one stays. Without any: `00D000000000001!token1`, `…!token2`, …
    func answer(_ answers: [Answer]) { state.withLock { $0.answers = answers } }
    var requests: [Request] { state.withLock { $0.requests } }

    /// Runs a host on a free port for as long as `body` does.
    static func with<Result: Sendable>(
        tls: NIOSSLContext? = nil, _ body: (FakeLoginHost, _ port: Int) async throws -> Result
    ) async throws -> Result {
        let host = FakeLoginHost()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(host: host))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            guard let port = channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
            let result = try await body(host, port)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    fileprivate func respond(to request: Request) -> Answer {
        state.withLock { state in
            state.requests.append(request)
            if state.answers.count > 1 { return state.answers.removeFirst() }
            return state.answers.first ?? .token("00D000000000001!token\(state.requests.count)")
        }
    }

    /// Lives on its connection's loop.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let host: FakeLoginHost
        private var request = Request(uri: "", body: "")

        init(host: FakeLoginHost) { self.host = host }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(uri: head.uri, body: "")
            case .body(let bytes):
                request.body += String(buffer: bytes)
            case .end:
                let answer = host.respond(to: request)
                var headers = HTTPHeaders(answer.headers)
                headers.add(name: "content-length", value: String(answer.body.utf8.count))
                headers.add(name: "content-type", value: "application/json")
                let head = HTTPResponseHead(
                    version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                var body = ByteBuffer(string: answer.body)
                if answer.standsStill {
                    body.moveWriterIndex(to: body.writerIndex / 2)
                    return context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
                }
                context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
