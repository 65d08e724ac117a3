import ChangeEvents
import NIOCore

@testable import Doors

/// The messages of the push protocol's clients: one that was read says the same when it is written and read again; an error
/// is answered in JSON with the message's own id; a session that closes stays closed.
enum ClientMessages {
    static func run(_ input: inout FuzzInput) {
        var session = PushSession(state: input.byte() & 1 == 0 ? .awaitingToken : .open)
        // A line is a message.
        repeat { run(input.part(until: 0x0A), &session) } while !input.isEmpty
    }

    private static func run(_ json: [UInt8], _ session: inout PushSession) {
        let result: Result<ClientMessage, ClientMessage.Malformed>
        do throws(ClientMessage.Malformed) {
            let message = try ClientMessage(json: json)
            check(message)
            result = .success(message)
        } catch {
            result = .failure(error)
        }
        let before = session
        let action = session.messageReceived(result)
        if before.state == .closing { property("a session that closes does nothing", holds: action == .none) }
        property(
            "a session bears a bounded number of mistakes",
            holds: session.malformedCount <= PushSession.malformedCountMax)
        switch action {
        case .answer(let id, let error): checkAnswer(id, error)
        case .verify(_, let token):
            property(
                "only what was asked for is verified",
                holds: result == .success(.authenticate(id: id(of: result), token: token)))
        case .close(let code, let reason):
            let frame = WebSocketFrameHeader.close(code: code, reason: reason)
            property("a close frame is a control frame", holds: frame.count <= 2 + 125)
        case .subscribe, .unsubscribe:
            property("nothing is subscribed to before a token is there", holds: before.state == .open)
        case .pong, .none: break
        }
    }

    private static func id(of result: Result<ClientMessage, ClientMessage.Malformed>) -> MessageID? {
        guard case .success(.authenticate(let id, _)) = result else { return nil }
        return id
    }

    private static func checkAnswer(_ id: MessageID?, _ error: RequestError) {
        let answer = ServerMessage.error(id: id, error)
        let document = must("an answer is JSON") { try JSONParser.parse(answer.readableBytesView) }
        let object = JSONObject(document)
        property("an answer names its error", holds: object?.text("code") == error.code.rawValue)
        switch (id, object?["id"]) {
        case (nil, nil), (.double?, .number?), (.double?, .null?): break
        case (.integer(let number)?, .number(let text)?):
            property("an answer repeats the id", holds: text == String(number))
        case (.string(let wanted)?, .string(let text)?): property("an answer repeats the id", holds: text == wanted)
        default: property("an answer repeats the id", holds: false)
        }
    }

    private static func check(_ message: ClientMessage) {
        if case .subscribe(_, let request) = message {
            property(
                "a condition is not longer than its bound",
                holds: (request.condition?.utf8.count ?? 0) <= ClientMessage.conditionBytesMax)
        }
        let text = json(of: message).jsonText
        let again = must("a message that was written can be read") { try ClientMessage(json: Array(text.utf8)) }
        property("a message written and read again is the same", holds: again == message)
    }

    private static func json(of message: ClientMessage) -> JSONValue {
        var members: [JSONValue.Member] = []
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(.init(name: name, value: value)) }
        }
        func add(_ id: MessageID?) {
            switch id {
            case .integer(let number): add("id", .number(String(number)))
            case .double(let number): add("id", .number(String(number)))
            case .string(let text): add("id", .string(text))
            case nil: break
            }
        }
        switch message {
        case .authenticate(let id, let token):
            add(id)
            add("type", .string("authenticate"))
            add("token", .string(token))
        case .subscribe(let id, let request):
            add(id)
            add("type", .string("subscribe"))
            add("channel", .string(request.channel))
            add("where", request.condition.map { .string($0) })
            let replay =
                switch request.replay {
                case .new: "-1"
                case .allRetained: "-2"
                case .after(let id): id.description
                }
            add("replay", .string(replay))
            add("form", .string(request.form.rawValue))
            add("slow", .string(request.slow.rawValue))
        case .unsubscribe(let id, let channel):
            add(id)
            add("type", .string("unsubscribe"))
            add("channel", .string(channel))
        case .ping: add("type", .string("ping"))
        }
        return .object(members)
    }
}
