internal import ChangeEvents
internal import NIOCore

/// The messages of the hub that hold no event.
enum ServerMessage {
    /// The place before all that is retained, as a client names it.
    static let beforeEverything = "-2"

    static func welcome(heartbeatSeconds: Int64) -> ByteBuffer {
        write("welcome") { $0.writeJSON(member: "heartbeat", integer: heartbeatSeconds) }
    }

    static func authenticated(id: MessageID, expiresAt: Int64) -> ByteBuffer {
        write("authenticated", id: id) { $0.writeJSON(member: "expiresAt", integer: expiresAt) }
    }

    static func subscribed(id: MessageID?, channel: String, replay: ReplayID?) -> ByteBuffer {
        write("subscribed", id: id) {
            $0.writeJSON(member: "channel", string: channel)
            $0.writePlace(replay)
        }
    }

    static func unsubscribed(id: MessageID?, channel: String) -> ByteBuffer {
        write("unsubscribed", id: id) { $0.writeJSON(member: "channel", string: channel) }
    }

    static func checkpoint(channel: String, replay: ReplayID?) -> ByteBuffer {
        write("checkpoint") {
            $0.writeJSON(member: "channel", string: channel)
            $0.writePlace(replay)
        }
    }

    static func gap(channel: String, reason: GapReason, replay: ReplayID?) -> ByteBuffer {
        write("gap") {
            $0.writeJSON(member: "channel", string: channel)
            $0.writeJSON(member: "reason", string: reason.rawValue)
            $0.writePlace(replay)
        }
    }

    /// - Parameter channel: where the error comes without a request (a new token took a subscription away).
    static func error(id: MessageID?, _ error: RequestError, channel: String? = nil) -> ByteBuffer {
        write("error", id: id) {
            $0.writeJSON(member: "code", string: error.code.rawValue)
            $0.writeJSON(member: "message", string: error.message)
            if let channel { $0.writeJSON(member: "channel", string: channel) }
            if let position = error.position { $0.writeJSON(member: "position", integer: Int64(position)) }
        }
    }

    /// What a close frame says, for an event stream, which has none.
    static func closing(code: UInt16, reason: String) -> ByteBuffer {
        write("close") {
            $0.writeJSON(member: "code", integer: Int64(code))
            $0.writeJSON(member: "reason", string: reason)
        }
    }

    static func pong() -> ByteBuffer {
        write("pong") { _ in }
    }

    private static func write(
        _ type: StaticString, id: MessageID? = nil, _ members: (inout ByteBuffer) -> Void
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{\"type\":\"")
        buffer.writeStaticString(type)
        buffer.writeStaticString("\"")
        if let id {
            buffer.writeStaticString(",\"id\":")
            buffer.writeJSON(id: id)
        }
        members(&buffer)
        buffer.writeStaticString("}")
        return buffer
    }
}

extension ByteBuffer {
    fileprivate mutating func writePlace(_ replay: ReplayID?) {
        writeStaticString(",\"replayId\":")
        writeJSON(replayID: replay)
    }
}
