internal import NIOCore

/// The answer to one message.
struct BayeuxReply {
    /// How long a connect is held, in the advice of a session.
    enum Advice {
        case error(BayeuxError.Advice)
        /// `{"interval":0,"timeout":110000,"reconnect":"retry"}`
        case session(holdMilliseconds: Int64)
    }

    private var members: [JSONValue.Member] = []

    init(to message: BayeuxMessage) {
        if let client = message.clientID { add("clientId", .string(client)) }
        add("channel", .string(message.channel ?? ""))
        if let id = message.id { add("id", id) }
    }

    mutating func add(_ name: String, _ value: JSONValue) {
        members.removeAll { $0.name == name }
        members.append(.init(name: name, value: value))
    }

    /// `{"replay":true,"payload.format":true}`
    mutating func addReplayExtension() {
        add(
            "ext",
            .object([
                .init(name: "replay", value: .boolean(true)), .init(name: "payload.format", value: .boolean(true)),
            ]))
    }

    mutating func advise(_ advice: Advice) {
        var members = [JSONValue.Member(name: "interval", value: .number("0"))]
        switch advice {
        case .error(.retry):
            // A client that is told to try again at once would do nothing else.
            members = [
                .init(name: "interval", value: .number("1000")), .init(name: "reconnect", value: .string("retry")),
            ]
        case .error(let advice):
            members.append(.init(name: "reconnect", value: .string(advice == .handshake ? "handshake" : "none")))
        case .session(let hold):
            members.append(.init(name: "timeout", value: .number(String(hold))))
            members.append(.init(name: "reconnect", value: .string("retry")))
        }
        add("advice", .object(members))
    }

    static func success(_ message: BayeuxMessage, _ change: (inout BayeuxReply) -> Void = { _ in }) -> JSONValue {
        var reply = BayeuxReply(to: message)
        change(&reply)
        reply.add("successful", .boolean(true))
        return .object(reply.members)
    }

    static func failure(_ message: BayeuxMessage, _ error: BayeuxError, subscription: String? = nil) -> JSONValue {
        var reply = BayeuxReply(to: message)
        if let subscription { reply.add("subscription", .string(subscription)) }
        if let advice = error.advice { reply.advise(.error(advice)) }
        if let reason = error.failureReason {
            reply.add(
                "ext",
                .object([
                    .init(name: "sfdc", value: .object([.init(name: "failureReason", value: .string(reason))]))
                ]))
        }
        reply.add("error", .string(error.text))
        reply.add("successful", .boolean(false))
        return .object(reply.members)
    }

    /// The body of a response: events first, then replies.
    static func body(events: [ByteBuffer], replies: [JSONValue]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(events.reduce(1024) { $0 + $1.readableBytes + 1 })
        buffer.writeStaticString("[")
        var isFirst = true
        for event in events {
            if !isFirst { buffer.writeStaticString(",") }
            isFirst = false
            buffer.writeImmutableBuffer(event)
        }
        for reply in replies {
            if !isFirst { buffer.writeStaticString(",") }
            isFirst = false
            JSONWriter.write(reply, into: &buffer)
        }
        buffer.writeStaticString("]")
        return buffer
    }
}
