import ChangeEvents
import Foundation
import Logging
import NIOCore
import Store
import Synchronization
import TestSupport
import Twin

@testable import Doors

/// A hub on a real twin, with a schema of cases and a secret to sign with.
final class PushFixture: Sendable {
    static let secret = "a secret of at least thirty-two bytes"
    static let issuer = "https://issuer.example"
    static let audience = "millrace"
    static let channel = "/data/CaseChangeEvent"
    static let contact = "003xx000004TmiQAAS"
    static let otherContact = "003xx000004TmiRAAS"

    /// Small enough to fill, large enough for loopback's segments: below one of them each window waits for a timer.
    static let smallBuffer = 128 * 1024

    let hub: PushHub
    let twin: Twin
    let schema: EventSchema
    let listener: LoopbackListener
    private let nextReplay = Mutex<UInt64>(100)

    private init(hub: PushHub, twin: Twin, schema: EventSchema) throws {
        self.hub = hub
        self.twin = twin
        self.schema = schema
        listener = try LoopbackListener()
    }

    /// Runs the body with a hub that serves, and ends it.
    static func with(
        _ configure: (inout PushConfiguration) -> Void = { _ in }, tracked: Set<String>? = nil,
        publisher: (any EventPublisher)? = nil,
        before: (Twin, EventSchema) async throws -> Void = { _, _ in },
        _ body: (PushFixture) async throws -> Void
    ) async throws {
        let store = try SQLiteStore.temporary()
        var twinConfiguration = Twin.Configuration()
        twinConfiguration.trackedEntities = tracked
        let logger = Logger(label: "push-tests") { _ in SwiftLogNoOpLogHandler() }
        let twin = try await Twin(store: store, configuration: twinConfiguration, logger: logger)
        let schema = try EventSchema(json: caseSchema)
        try await twin.learn(schema)
        try await before(twin, schema)
        var configuration = PushConfiguration()
        configuration.loopCount = 2
        configuration.sockets = SocketsTrait.current
        configuration.trackedEntities = tracked
        configuration.takesItsTime()
        configure(&configuration)
        let verifier = try TokenVerifier(algorithm: .hs256, key: secret, issuer: issuer, audience: audience)
        let hub = try PushHub(
            configuration: configuration, twin: twin, verifier: verifier, publisher: publisher, logger: logger)
        let fixture = try PushFixture(hub: hub, twin: twin, schema: schema)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await hub.run() }
            try await poll("the hub is ready") { hub.isReady }
            do {
                try await body(fixture)
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        try await store.close()
    }

    static func token(
        subject: String = "alice", id: String? = nil, allow: [TokenSigner.Allowance] = [.init(channel: channel)],
        publish: [String] = [], lifetime: Duration = .seconds(600),
        audience: String = audience, secret: String = secret, issuedAt: Int64 = Int64(Date().timeIntervalSince1970)
    ) throws -> String {
        try TokenSigner(algorithm: .hs256, key: secret, issuer: issuer, audience: audience)
            .sign(subject: subject, id: id, allow: allow, publish: publish, issuedAt: issuedAt, lifetime: lifetime)
    }

    /// One event of one or several cases, through the twin as upstream would bring it. The replay id.
    @discardableResult
    func ingest(
        _ type: ChangeType, cases: [Int] = [1], _ values: [String: FieldValue] = [:], topic: String = channel
    ) async throws -> UInt64 {
        let replay = nextReplay.withLock { counter in
            counter += 1
            return counter
        }
        try await Self.ingest(type, cases: cases, values, topic: topic, replay: replay, twin: twin, schema: schema)
        return replay
    }

    static func ingest(
        _ type: ChangeType, cases: [Int] = [1], _ values: [String: FieldValue] = [:], topic: String = channel,
        replay: UInt64,
        twin: Twin, schema: EventSchema
    ) async throws {
        let isPartial = type == .update
        let header = ChangeEventHeader.test(
            type, recordIDs: cases.map { RecordID.test("500", $0).string },
            commitTimestamp: 1_700_000_000_000 + Int64(replay),
            changedFields: isPartial
                ? try schema.bitmap(ofNames: schema.fields.map(\.name).filter { values[$0] != nil }) : [])
        let payload = try schema.encode(header: header, values: values)
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(counter: replay), eventID: UUID().uuidString, schemaID: schema.id,
            payload: payload)
        try await twin.ingest(ReceivedBatch(topic: topic, events: [event], latestReplayID: event.replayID))
    }

    /// Waits until what is in the log has reached the hub's memory, and before that the loops': the first event of a schema
    /// waits for it.
    func settled() async throws {
        let (head, gaps) = try await twin.store.read { reader in
            let head = try reader.head()
            return (head, try reader.gaps(in: head...head))
        }
        let last = gaps.last.map { LogPlace(gap: $0) } ?? LogPlace(event: head)
        try await poll("the hub has what is in the log") { hub.bus.head >= last }
    }

    /// Cases 1 to 3, made with the status 0 and changed up to 200, in events that soon fill what a slow client reads from.
    func changeThreeCasesOften() async throws {
        let text = String(repeating: "x", count: 20_000)
        for round in 0...200 {
            for number in 1...3 {
                try await ingest(
                    round == 0 ? .create : .update, cases: [number],
                    ["Status": .string("\(round)"), "Subject": .string(text + "\(round)")])
            }
        }
    }

    /// A connection as the HTTP door would hand it over.
    func connect(
        _ uri: String = "/push", headers: [(String, String)], leftover: [UInt8] = [], peer: String? = nil
    ) throws -> RawClient {
        let (client, server) = try listener.pair()
        hub.adopt(
            descriptor: server,
            Newcomer(
                request: TakeoverRequest(
                    method: "GET", uri: uri, headers: headers.map { (name: $0.0, value: $0.1) }),
                leftover: leftover, peer: peer))
        return RawClient(descriptor: client)
    }

    /// A WebSocket connection past its handshake and `welcome`.
    func open(token: String?, receiveBytes: Int? = nil) async throws -> RawClient {
        var headers = Self.upgradeHeaders
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        let client = try connect(headers: headers)
        if let receiveBytes { client.setReceiveBuffer(receiveBytes) }
        let head = try await client.head()
        guard head.hasPrefix("HTTP/1.1 101") else { throw RawClient.Failure(what: "no upgrade: \(head)") }
        let welcome = try await client.message()
        guard welcome.type == "welcome" else { throw RawClient.Failure(what: "no welcome: \(welcome)") }
        return client
    }

    /// Subscribed, past the answer.
    func subscribed(
        allow: [TokenSigner.Allowance] = [.init(channel: channel)], _ members: String = "", receiveBytes: Int? = nil
    ) async throws -> RawClient {
        let client = try await open(token: try Self.token(allow: allow), receiveBytes: receiveBytes)
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(Self.channel)"\#(members)}"#)
        let answer = try await client.message()
        guard answer.type == "subscribed" else { throw RawClient.Failure(what: "not subscribed: \(answer)") }
        return client
    }

    static let upgradeHeaders = [
        ("Host", "localhost"), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Protocol", "millrace.v1"),
    ]

    static let caseSchema = """
        {"type":"record","name":"CaseChangeEvent","namespace":"com.sforce.eventbus","fields":[\(SchemaText.header),
        \(SchemaText.field("CaseNumber", "\"string\"", "Data:Text")),
        \(SchemaText.field("ContactId", "\"string\"", "ForeignKey:EntityId")),
        \(SchemaText.field("Status", "\"string\"", "Data:Picklist")),
        \(SchemaText.field("Subject", "\"string\"", "Data:Text")),
        \(SchemaText.field("Priority", "\"string\"", "Data:Picklist"))]}
        """
}

extension PushConfiguration {
    /// Nothing happens by the clock but what a test asks for: on a busy machine a client that is not read from for a while
    /// would meet pings, and be closed, in the middle of something else.
    mutating func takesItsTime() {
        heartbeat = .seconds(250)
        stallTimeout = .seconds(600)
        authenticationTimeout = .seconds(120)
    }
}
