import Foundation

/// A message of the push protocol that holds no event, decoded whole: there are a few for each connection.
struct ServerText: Decodable {
    enum Kind: String {
        case welcome, subscribed, error, gap
        /// Answers that need no doing, and types that a later version of the protocol has.
        case other
    }

    var kind: Kind
    /// Of the subscription that was asked for.
    var id: Int?
    var channel: String?
    var place = EventKey.Place.none
    var code: String?
    var message: String?
    /// Seconds.
    var heartbeat: Int?

    /// A day. A longer heartbeat counts as that: its microseconds need not fit into 64 bits.
    static let heartbeatSecondsMax = 86_400

    /// Microseconds of silence after which the connection counts as dead, as patient as the client for pages: two and a half
    /// heartbeats. Nil where none is promised.
    var silenceMax: Int64? {
        guard let heartbeat, heartbeat > 0 else { return nil }
        return Int64(min(heartbeat, Self.heartbeatSecondsMax)) * 2_500_000
    }

    private enum CodingKeys: String, CodingKey {
        case type, id, channel, replayId, code, message, heartbeat
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        kind = Kind(rawValue: try members.decode(String.self, forKey: .type)) ?? .other
        // Members of another form are not ours: the protocol grows by them.
        id = try? members.decode(Int.self, forKey: .id)
        channel = try members.decodeIfPresent(String.self, forKey: .channel)
        code = try? members.decode(String.self, forKey: .code)
        message = try members.decodeIfPresent(String.self, forKey: .message)
        heartbeat = try members.decodeIfPresent(Int.self, forKey: .heartbeat)
        if let number = try? members.decode(Int64.self, forKey: .replayId) {
            place = EventKey.Place(String(number).utf8)
        } else if let text = try? members.decode(String.self, forKey: .replayId) {
            place = EventKey.Place(text.utf8)
        }
    }

    /// Nil where it is no message of the protocol.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let text = try? JSONDecoder().decode(ServerText.self, from: Data(bytes)) else { return nil }
        self = text
    }
}
