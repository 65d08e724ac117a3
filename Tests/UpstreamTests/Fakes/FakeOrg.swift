import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

@testable import Upstream

/// An org's HTTP server on loopback: answers what the test says, in whatever broken way, and records the requests. It issues
/// the tokens `00D000000000001!token1`, `…!token2`, … itself.
final class FakeOrg: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: HTTPHeaders
        var body: String

        var path: String { String(uri.prefix { $0 != "?" }) }
        var token: String? { headers.first(name: "authorization").map { String($0.dropFirst("Bearer ".count)) } }
    }

    struct Answer: Sendable {
        enum Way: Sendable, Hashable {
            case whole
            /// The connection closes after so many bytes of the body.
            case cut(after: Int)
            /// The same, and the end of the connection is the end of the body.
            case unframed(bytes: Int)
            /// Nothing more comes after so many bytes of the body.
            case standsStill(after: Int)
            /// The connection closes without an answer.
            case hangUp
        }
        var status = 200
        var headers: [(String, String)] = []
        var body = ""
        var way = Way.whole

        static func json(_ body: String, status: Int = 200, usage: String? = nil) -> Answer {
            Answer(status: status, headers: usage.map { [("Sforce-Limit-Info", $0)] } ?? [], body: body)
        }

        static func error(_ status: Int, _ code: String, _ message: String = "no") -> Answer {
            json(#"[{"message":"\#(message)","errorCode":"\#(code)"}]"#, status: status)
        }

        static func csv(_ body: String, rows: Int?, locator: String? = "null", way: Way = .whole) -> Answer {
            var headers = [("Content-Type", "text/csv")]
            if let rows { headers.append(("Sforce-NumberOfRecords", "\(rows)")) }
            if let locator { headers.append(("Sforce-Locator", locator)) }
            return Answer(headers: headers, body: body, way: way)
        }
    }

    private struct State {
        var port = 0
        var logins = 0
        var requests: [Request] = []
        var answers: [Answer] = []
        var reply: (@Sendable (Request) -> Answer)?
    }

    private let state = Mutex(State())

    /// In order; the last one stays.
    func answer(_ answers: Answer...) { state.withLock { $0.answers = answers } }
    /// By the request.
    func answer(_ reply: @escaping @Sendable (Request) -> Answer) { state.withLock { $0.reply = reply } }
    /// Without those for tokens.
    var requests: [Request] { state.withLock { $0.requests } }
    var logins: Int { state.withLock { $0.logins } }

    /// Pauses of milliseconds.
    static var fast: OrgAPI.Timing {
        var timing = OrgAPI.Timing()
        timing.callDeadline = .seconds(60)
        timing.queryDeadline = .seconds(60)
        timing.silenceMax = .seconds(60)
        timing.retryInitial = .milliseconds(1)
        timing.retryMax = .milliseconds(5)
        timing.busyRetryInitial = .milliseconds(1)
        timing.busyRetryMax = .milliseconds(5)
        timing.pollInitial = .milliseconds(1)
        timing.pollMax = .milliseconds(5)
        return timing
    }

    /// Runs an org and a client of it for as long as `body` does.
    static func with<Result: Sendable>(
        timing: OrgAPI.Timing = fast, answerBytesMax: Int = 1 << 20, policy: BudgetPolicy = BudgetPolicy(),
        log: LogRecorder = LogRecorder(), _ body: (FakeOrg, OrgAPI) async throws -> Result
    ) async throws -> Result {
        let org = FakeOrg()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(org: org))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            guard let port = channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
            org.state.withLock { $0.port = port }
            let connection = Harness.org(login: port, pubSub: 1)
            let configuration = OrgAPI.Configuration(timing: timing, answerBytesMax: answerBytesMax)
            let result = try await OrgAPI.with(
                connection, budget: APIBudget(policy: policy), configuration: configuration, logger: log.logger()
            ) { try await body(org, $0) }
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    fileprivate func respond(to request: Request) -> Answer {
        state.withLock { state in
            if request.path == "/services/oauth2/token" {
                state.logins += 1
                return .json(
                    """
                    {"access_token":"00D000000000001!token\(state.logins)","scope":"api",\
                    "instance_url":"http://127.0.0.1:\(state.port)",\
                    "id":"https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA","token_type":"Bearer"}
                    """)
            }
            state.requests.append(request)
            if let reply = state.reply { return reply(request) }
            if state.answers.count > 1 { return state.answers.removeFirst() }
            return state.answers.first ?? .error(404, "NOT_FOUND", "The requested resource does not exist")
        }
    }

    /// Lives on its connection's loop.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let org: FakeOrg
        private var request = Request(method: "", uri: "", headers: [:], body: "")

        init(org: FakeOrg) { self.org = org }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(method: head.method.rawValue, uri: head.uri, headers: head.headers, body: "")
            case .body(let bytes): request.body += String(buffer: bytes)
            case .end: respond(org.respond(to: request), context)
            }
        }

        private func respond(_ answer: Answer, _ context: ChannelHandlerContext) {
            if answer.way == .hangUp { return context.close(promise: nil) }
            var headers = HTTPHeaders(answer.headers)
            var body = ByteBuffer(string: answer.body)
            if case .unframed = answer.way {
                headers.add(name: "connection", value: "close")
            } else if answer.status != 304 {
                headers.add(name: "content-length", value: "\(body.readableBytes)")
            }
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            switch answer.way {
            case .whole:
                context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .cut(let count), .unframed(let count), .standsStill(let count):
                let part = body.readSlice(length: min(count, body.readableBytes)) ?? ByteBuffer()
                let stays = answer.way == .standsStill(after: count)
                let sent = context.eventLoop.makePromise(of: Void.self)
                let channel = context.channel
                if !stays { sent.futureResult.whenComplete { _ in channel.close(promise: nil) } }
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(part))), promise: sent)
            case .hangUp: break
            }
        }
    }
}
