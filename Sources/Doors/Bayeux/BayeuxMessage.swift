internal import ChangeEvents

/// One message of a client, read from JSON. What is missing is nil; judging that is the exchange's matter.
struct BayeuxMessage {
    static let handshake = "/meta/handshake"
    static let connect = "/meta/connect"
    static let subscribe = "/meta/subscribe"
    static let unsubscribe = "/meta/unsubscribe"
    static let disconnect = "/meta/disconnect"
    static let longPolling = "long-polling"

    var channel: String?
    /// Echoed as it came.
    var id: JSONValue?
    var clientID: String?
    var connectionType: String?
    /// Nil: not said.
    var supportedConnectionTypes: [String]?
    /// One, or several in an array.
    var subscriptions: [String]
    /// Milliseconds; only 0 says something: answer at once.
    var adviceTimeout: Int64?
    /// False where a handshake's `ext.replay` is false. Clients should say true; aiosfstream says nothing, and replays all the
    /// same.
    var wantsReplay: Bool
    /// `ext.replay` of a subscription: places by channel, as written.
    var replayPlaces: [String: JSONValue]

    /// Nil for what is not an object.
    init?(_ value: JSONValue) {
        guard let members = value.members else { return nil }
        channel = members["channel"]?.text
        id = members["id"]
        clientID = members["clientId"]?.text
        connectionType = members["connectionType"]?.text
        supportedConnectionTypes = members["supportedConnectionTypes"]?.texts
        subscriptions = members["subscription"]?.texts ?? []
        adviceTimeout = members["advice"]?.members?["timeout"].flatMap { value -> Int64? in
            guard case .number(let text) = value else { return nil }
            return Int64(text)
        }
        let replay = members["ext"]?.members?["replay"]
        wantsReplay = replay != .boolean(false)
        replayPlaces = replay?.members ?? [:]
    }

    /// The messages of a body: an array of objects, or one. Nil for anything else.
    static func messages(in document: JSONValue) -> [BayeuxMessage]? {
        guard case .array(let values) = document else { return BayeuxMessage(document).map { [$0] } }
        let messages = values.compactMap(BayeuxMessage.init)
        return messages.count == values.count ? messages : nil
    }

    /// Where a subscription begins. Old clients write numbers as strings.
    func start(of channel: String) throws(BayeuxError) -> ReplayStart {
        guard let place = replayPlaces[channel], place != .null else { return .latest }
        let written: String
        switch place {
        case .number(let text), .string(let text): written = text
        case .null, .boolean, .array, .object: throw .invalidReplayID("\(channel)")
        }
        switch Int64(written) {
        case -1: return .latest
        case -2: return .earliest
        case let counter? where counter >= 0: return .after(ReplayID(counter: UInt64(counter)))
        default: throw .invalidReplayID(String(written.prefix(Self.quotedMax)))
        }
    }

    /// How much of a client's own text goes back into an error.
    private static let quotedMax = 64
}

extension JSONValue {
    /// The members of an object by name.
    fileprivate var members: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    fileprivate var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// A text, or an array of texts; other elements are passed over.
    fileprivate var texts: [String]? {
        switch self {
        case .string(let text): [text]
        case .array(let values): values.compactMap(\.text)
        case .null, .boolean, .number, .object: nil
        }
    }
}
