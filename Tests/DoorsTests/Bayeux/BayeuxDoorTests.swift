import Synchronization
import Testing
import Waiting

@testable import Doors

@Suite struct BayeuxDoorTests {
    /// A client of the door: keeps its cookie and its session.
    private final class Client: Sendable {
        private struct State {
            var token = "token"
            var cookie: String?
            var clientID = ""
        }

        private let running: RunningDoor
        private let state = Mutex(State())

        init(_ running: RunningDoor) { self.running = running }

        /// Another client of the same door.
        func sibling() -> Client { Client(running) }

        var clientID: String { state.withLock { $0.clientID } }
        var cookie: String? { state.withLock { $0.cookie } }
        func use(token: String) { state.withLock { $0.token = token } }

        func send(_ message: String) async throws -> [[String: JSONValue]] {
            let (token, cookie) = state.withLock { ($0.token, $0.cookie) }
            var headers = [("Content-Type", "application/json"), ("Authorization", "Bearer \(token)")]
            if let cookie { headers.append(("Cookie", "x=y; \(cookie)")) }
            let answer = try await running.send("POST", "/cometd/66.0", headers: headers, body: "[\(message)]")
            if let set = answer.header("set-cookie") {
                state.withLock { $0.cookie = String(set.prefix { $0 != ";" }) }
            }
            guard case .array(let values) = try JSONParser.parse(answer.body.utf8) else { return [] }
            return values.map { value in
                guard case .object(let members) = value else { return [:] }
                return Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
            }
        }

        func handshake() async throws -> [String: JSONValue] {
            let reply = try await send(
                #"{"channel":"/meta/handshake","supportedConnectionTypes":["long-polling"],"ext":{"replay":true}}"#)
            if case .string(let id) = reply[0]["clientId"] { state.withLock { $0.clientID = id } }
            return reply[0]
        }

        /// Answered at once, unless it is to be held.
        func connect(isHeld: Bool = false) async throws -> [[String: JSONValue]] {
            let advice = isHeld ? "" : #","advice":{"timeout":0}"#
            return try await send(
                #"{"channel":"/meta/connect","clientId":"\#(clientID)","connectionType":"long-polling"\#(advice)}"#)
        }

        func subscribe(to topic: String = FakeBus.topic) async throws -> [String: JSONValue] {
            let place = #"{"replay":{"\#(topic)":-2}}"#
            return try await send(
                #"{"channel":"/meta/subscribe","clientId":"\#(clientID)","subscription":"\#(topic)","ext":\#(place)}"#
            )[0]
        }

        func open() async throws {
            _ = try await handshake()
            _ = try await connect()
            _ = try await subscribe()
        }
    }

    private func withDoor(
        _ configuration: BayeuxDoor.Configuration = .init(),
        _ body: @escaping @Sendable (Client, FakeStreaming) async throws -> Void
    ) async throws {
        let service = FakeStreaming()
        let door = BayeuxDoor(service: service, configuration: configuration, logger: testLogger)
        try await withHTTPDoor(routes: [door]) { try await body(Client($0), service) }
    }

    /// 40 seconds after the answer it is still there, a moment later it is unknown; the org is told, and nothing is left.
    @Test func trap30ClientThatDoesNotComeBackIsDropped() async throws {
        try await withDoor { client, service in
            try await client.open()
            service.advance(40_000)
            #expect(try await client.connect().last?["successful"] == .boolean(true))
            service.advance(40_001)
            let reply = try await client.connect()[0]
            #expect(reply["error"] == .string("403::Unknown client"))
            #expect(
                reply["advice"]
                    == .object([
                        .init(name: "interval", value: .number("0")),
                        .init(name: "reconnect", value: .string("handshake")),
                    ]))
            #expect(service.state.withLock { $0.opened.isEmpty && $0.subscribed.isEmpty })
        }
    }

    @Test func droppedClientsMakeRoomForAHandshake() async throws {
        try await withDoor { client, service in
            try await client.open()
            service.advance(100_000)
            let next = client.sibling()
            _ = try await next.handshake()
            #expect(service.state.withLock { $0.opened } == [next.clientID])
        }
    }

    /// Nothing is queued for a client: it reads what is in the log when it comes back, in pieces.
    @Test func manyEventsComeInOrderAndInPieces() async throws {
        try await withDoor { client, service in
            try await client.open()
            service.bus.publish(450)
            var numbers: [JSONValue] = []
            for expected in [200, 200, 50] {
                let answer = try await client.connect()
                #expect(answer.count == expected + 1)
                numbers += answer.dropLast().compactMap { event in
                    guard case .object(let data) = event["data"],
                        case .object(let inner) = data.first(where: { $0.name == "event" })?.value
                    else { return nil }
                    return inner.first?.value
                }
            }
            #expect(numbers == (0..<450).map { .number(String(FakeBus.firstCounter + UInt64($0))) })
            #expect(try await client.connect().count == 1)
        }
    }

    /// A connect whose client has given it up reads one channel while the next connect comes: what it had read of the others
    /// counted as sent, and was lost.
    @Test func anOvertakenConnectMovesNoPlace() async throws {
        try await withDoor { client, service in
            try await client.open()
            _ = try await client.subscribe(to: FakeStreaming.slowChannel)
            service.bus.publish(1)
            service.state.withLock { $0.isSlowOnce = true }
            let givenUp = Task { try await client.connect() }
            await service.slowReached.wait()
            let next = Task { try await client.connect() }
            let answer = try await next.value
            service.slowGate.raise()
            #expect(answer.count == 2)
            #expect(try await givenUp.value.count == 1)
        }
    }

    @Test func heldConnectAnswersWhenAnEventComes() async throws {
        try await withDoor { client, service in
            try await client.open()
            let answer = Task { try await client.connect(isHeld: true) }
            try await eventually { service.bus.waitingCount > 0 }
            service.bus.publish(1)
            #expect(try await answer.value.count == 2)
        }
    }

    @Test func heldConnectWithoutEventsAnswersAtTheEndOfItsTime() async throws {
        var configuration = BayeuxDoor.Configuration()
        configuration.holdTimeout = .milliseconds(30)
        try await withDoor(configuration) { client, service in
            try await client.open()
            // The clock of the org stands still here, so the waiting is told to be over.
            let ticking = Task {
                while !Task.isCancelled { service.advance(10); try await Task.sleep(for: .milliseconds(5)) }
            }
            let answer = try await client.connect(isHeld: true)
            ticking.cancel()
            #expect(answer.count == 1)
            #expect(answer[0]["successful"] == .boolean(true))
            #expect(answer[0]["advice"] == nil)
        }
    }

    @Test func disconnectEndsAHeldConnect() async throws {
        try await withDoor { client, service in
            try await client.open()
            let answer = Task { try await client.connect(isHeld: true) }
            try await eventually { service.bus.waitingCount > 0 }
            _ = try await client.send(#"{"channel":"/meta/disconnect","clientId":"\#(client.clientID)"}"#)
            #expect(try await answer.value.last?["successful"] == .boolean(true))
        }
    }

    @Test func stoppingTheDoorDoesNotWaitForHeldConnects() async throws {
        let service = FakeStreaming()
        let door = BayeuxDoor(service: service, logger: testLogger)
        let answer = Mutex<Task<[[String: JSONValue]], any Error>?>(nil)
        try await withHTTPDoor(routes: [door]) { running in
            let client = Client(running)
            try await client.open()
            answer.withLock { $0 = Task { try await client.connect(isHeld: true) } }
            try await eventually { service.bus.waitingCount > 0 }
        }
        let ended = try await withDeadline { try await answer.withLock { $0 }?.value }
        #expect(ended?.last?["successful"] == .boolean(true))
    }

    @Test func establishedSessionOutlivesItsTokensTime() async throws {
        try await withDoor { client, service in
            try await client.open()
            client.use(token: "old")
            #expect(try await client.connect().last?["successful"] == .boolean(true))
            #expect(try await client.handshake()["error"] == .string("403::Handshake denied"))
        }
    }

    @Test(
        arguments: [
            (.clientLimitExceeded, "403::Organization concurrent user limit exceeded"),
            (.unavailable, "503::Server is too busy. Please try your request again later."),
            (.permissionDenied, "403::User not enabled for streaming"),
        ] as [(EventBusError.Code, String)])
    func refusedHandshakeSaysWhyInTheExtension(code: EventBusError.Code, reason: String) async throws {
        try await withDoor { client, service in
            service.state.withLock {
                $0.openFailure = EventBusError(code: code, message: "User not enabled for streaming")
            }
            let reply = try await client.handshake()
            #expect(reply["error"] == .string("403::Handshake denied"))
            #expect(
                reply["ext"]
                    == .object([
                        .init(name: "sfdc", value: .object([.init(name: "failureReason", value: .string(reason))]))
                    ]))
            #expect(client.cookie == nil)
        }
    }

    @Test(
        arguments: [
            (.deliveryLimitExceeded, "403::Organization total events daily limit exceeded"),
            (.unavailable, "503::Server is too busy. Please try your request again later."),
        ] as [(EventBusError.Code, String)])
    func failingReadEndsTheConnectAndNotTheSession(code: EventBusError.Code, error: String) async throws {
        try await withDoor { client, service in
            try await client.open()
            service.bus.failNextRead(EventBusError(code: code, message: ""))
            #expect(try await client.connect()[0]["error"] == .string(error))
            service.bus.publish(1)
            #expect(try await client.connect().count == 2)
        }
    }

    @Test func missingPermissionIsToldAtTheSubscription() async throws {
        try await withDoor { client, service in
            _ = try await client.handshake()
            service.state.withLock {
                $0.startFailure = EventBusError(
                    code: .permissionDenied,
                    message: "User not allowed to subscribe CDC without View All Data permissions")
            }
            #expect(
                try await client.subscribe()["error"]
                    == .string("403::User not allowed to subscribe CDC without View All Data permissions"))
        }
    }

    @Test func sessionsAndSubscribersHaveTheirBounds() async throws {
        var configuration = BayeuxDoor.Configuration()
        configuration.sessionsMax = 2
        configuration.subscribersPerChannelMax = 1
        try await withDoor(configuration) { client, service in
            let (first, second, third) = (client, client.sibling(), client.sibling())
            _ = try await first.handshake()
            _ = try await second.handshake()
            #expect(try await first.subscribe()["successful"] == .boolean(true))
            #expect(try await first.subscribe()["successful"] == .boolean(true))
            #expect(
                try await second.subscribe()["error"] == .string("403::Subscription limit exceeded for this topic"))
            let denied = try await third.handshake()
            #expect(denied["error"] == .string("403::Handshake denied"))
            #expect(
                "\(denied["ext"].map { $0.jsonText } ?? "")".contains(
                    "403::To protect all customers from excessive use"))
            #expect(service.state.withLock { $0.opened.count } == 2)
        }
    }
}
