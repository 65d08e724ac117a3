/// A client's request that changed nothing: answered with `{"type":"error",…}`, the connection stays.
struct RequestError: Error, Hashable, Sendable {
    /// The `code` member. Words of the protocol: they are never renamed.
    enum Code: String, Hashable, Sendable {
        case badRequest = "bad_request"
        case unauthorized = "unauthorized"
        case unknownChannel = "unknown_channel"
        case forbiddenChannel = "forbidden_channel"
        case forbiddenField = "forbidden_field"
        case invalidWhere = "invalid_where"
        case unjudgeableCondition = "unjudgeable_condition"
        case invalidReplay = "invalid_replay"
        case tooManySubscriptions = "too_many_subscriptions"
        case notSubscribed = "not_subscribed"
        case unavailable = "unavailable"
    }

    var code: Code
    var message: String
    /// In a condition, characters from 1.
    var position: Int?

    init(_ code: Code, _ message: String, position: Int? = nil) {
        self.code = code
        self.message = message
        self.position = position
    }
}

/// Close codes of the protocol. The 4xxx ones are ours; the others are of RFC 6455 section 7.4.1.
enum CloseCode {
    static let normal: UInt16 = 1000
    static let goingAway: UInt16 = 1001
    static let protocolError: UInt16 = 1002
    static let unsupportedData: UInt16 = 1003
    /// Never sent: the peer vanished without a close frame.
    static let abnormal: UInt16 = 1006
    static let invalidText: UInt16 = 1007
    static let policy: UInt16 = 1008
    static let tooBig: UInt16 = 1009
    static let unauthorized: UInt16 = 4401
    static let forbidden: UInt16 = 4403
    static let tooSlow: UInt16 = 4408
    static let tooManyRequests: UInt16 = 4429
}
