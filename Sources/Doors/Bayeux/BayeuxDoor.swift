internal import HTTPTypes
public import Hummingbird
public import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Salesforce's Streaming API: CometD (Bayeux) by long polling at `/cometd/XX.X`, on any `BayeuxService`.
///
/// It speaks HTTP, cookies and the Bayeux messages, and keeps the sessions; channels, permissions and allocations are the
/// service's. Immutable but for its sessions; any thread.
public struct BayeuxDoor: HTTPRoutes {
    /// Replay came with this version of the API.
    public static let versionMin = 37
    /// A request's body; beyond it 413.
    public static let bodyBytesMax = 32_768
    /// Of events in JSON that are kept for the clients that come next.
    private static let encodingBytesMax = 8_000_000
    /// The cookie that holds a client at its server: it must come back with every message.
    static let sessionCookie = "BAYEUX_BROWSER"

    public struct Configuration: Sendable {
        /// How long a connect is held when there is nothing to say.
        public var holdTimeout: Duration = .seconds(110)
        /// How soon after an answer the next connect must come.
        public var reconnectTimeout: Duration = .seconds(40)
        /// Sessions of this door, whatever the org allows.
        public var sessionsMax = 20_000
        /// Subscribers of one channel.
        public var subscribersPerChannelMax = 2_000
        public init() {}
    }

    private let service: any BayeuxService
    private let sessions: BayeuxSessions
    private let schemas: BayeuxSchemas
    private let encodings = BayeuxEncodings(bytesMax: encodingBytesMax)
    private let timing: BayeuxSession.Timing
    private let faults: (any FaultOracle)?
    private let logger: Logger

    /// - Parameter faults: what goes wrong on command with streams; nil: nothing does.
    public init(
        service: any BayeuxService, configuration: Configuration = Configuration(),
        faults: (any FaultOracle)? = nil, logger: Logger
    ) {
        var limits = BayeuxSessions.Limits()
        limits.sessionsMax = configuration.sessionsMax
        limits.subscribersPerChannelMax = configuration.subscribersPerChannelMax
        self.service = service
        self.faults = faults
        self.logger = logger
        sessions = BayeuxSessions(service: service, limits: limits)
        schemas = BayeuxSchemas(bus: service)
        timing = BayeuxSession.Timing(
            holdMilliseconds: Int64(configuration.holdTimeout / .milliseconds(1)),
            reconnectMilliseconds: Int64(configuration.reconnectTimeout / .milliseconds(1)))
    }

    /// How many clients have a session; those whose time is over may still count.
    public var sessionCount: Int { sessions.count }

    public func add(to router: Router<BasicRequestContext>) {
        // Clients append the channel (`/handshake`, `/connect`); API 36 had `/cometd/replay/36.0`.
        for path: RouterPath in ["/cometd", "/cometd/**"] {
            router.post(path) { request, _ in try await respond(to: request) }
        }
    }

    private func respond(to request: Request) async throws -> Response {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.bodyBytesMax)
        } catch is NIOTooManyBytesError {
            return Self.text(.contentTooLarge, "Maximum Request Size Exceeded")
        }
        guard let document = try? JSONParser.parse(body.readableBytesView),
            let messages = BayeuxMessage.messages(in: document)
        else { return Self.text(.badRequest, "The request's body is not an array of Bayeux messages in JSON") }
        let version: Int
        do throws(BayeuxError) {
            version = try Self.version(in: request.uri.path)
        } catch {
            return Self.response(
                .badRequest, BayeuxReply.body(events: [], replies: messages.map { BayeuxReply.failure($0, error) }))
        }
        let token = RESTRequest.accessToken(in: request.headers)
        guard let token else {
            let replies = messages.map { BayeuxReply.failure($0, .authenticationRequired) }
            return Self.response(.unauthorized, BayeuxReply.body(events: [], replies: replies))
        }
        var exchange = BayeuxExchange(
            service: service, sessions: sessions, schemas: schemas, encodings: encodings, timing: timing,
            apiVersion: version,
            token: token, cookie: Self.cookie(in: request.headers), faults: faults, logger: logger)
        // A stop of the program does not wait for the clients' patience.
        let (answer, newCookie) = await withGracefulShutdownHandler {
            let answer = await exchange.answer(messages)
            return (answer, exchange.newCookie)
        } onGracefulShutdown: { [sessions] in
            sessions.shutDown()
        }
        guard let answer else { return Self.text(.requestTimeout, "Another connect of this session has come") }
        var response = Self.response(.ok, answer)
        if let newCookie { response.headers.append(contentsOf: Self.cookies(newCookie)) }
        return response
    }

    /// 45 of `/cometd/45.0/connect`.
    static func version(in path: String) throws(BayeuxError) -> Int {
        var elements = path.split(separator: "/").dropFirst()
        if elements.first == "replay" { elements = elements.dropFirst() }
        guard let element = elements.first, element.hasSuffix(".0"), let number = Int(element.dropLast(2)),
            number > 0, elements.count <= 2
        else { throw .versionMissing }
        guard number >= versionMin, number <= APIVersion.newest else { throw .versionTooOld }
        return number
    }

    static func cookie(in headers: HTTPFields) -> String? {
        for header in headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0].filter({ $0 != " " }) == sessionCookie { return String(parts[1]) }
            }
        }
        return nil
    }

    private static func cookies(_ value: String) -> HTTPFields {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .setCookie, value: "\(sessionCookie)=\(value); Path=/; HttpOnly"))
        fields.append(HTTPField(name: .setCookie, value: "sfdc-stream=!\(value); Path=/; HttpOnly"))
        return fields
    }

    private static func response(_ status: HTTPResponse.Status, _ body: ByteBuffer) -> Response {
        Response(
            status: status, headers: [.contentType: ErrorBody.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: body))
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain;charset=UTF-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
