internal import ChangeEvents

/// Why a message failed: `<code>::<text>` in Salesforce's words, and what the client should do.
struct BayeuxError: Error, Hashable, Sendable {
    enum Advice: Hashable, Sendable {
        /// Nothing can be done with this session and token.
        case none
        case handshake
        case retry
    }

    /// `403::Unknown client`
    var text: String
    var advice: Advice?
    /// Goes into `ext.sfdc.failureReason`, where `text` says something general.
    var failureReason: String?

    init(_ text: String, advice: Advice? = nil, failureReason: String? = nil) {
        self.text = text
        self.advice = advice
        self.failureReason = failureReason
    }

    static let authenticationInvalid = BayeuxError("401::Authentication invalid", advice: BayeuxError.Advice.none)
    static let authenticationRequired = BayeuxError(
        "401::Request requires authentication", advice: BayeuxError.Advice.none)
    static let unknownClient = BayeuxError("403::Unknown client", advice: .handshake)
    static let noHandshake = BayeuxError("403::Client has not completed handshake", advice: .handshake)
    static let otherUser = BayeuxError("400::Authenticated user id does not match the session's user id")
    static let channelMissing = BayeuxError("400::Channel name not specified")
    static let userLimit = BayeuxError("403::Organization concurrent user limit exceeded")
    static let deliveryLimit = BayeuxError(
        "403::Organization total events daily limit exceeded", advice: BayeuxError.Advice.none)
    static let topicLimit = BayeuxError("403::Subscription limit exceeded for this topic")
    static let busyText = "503::Server is too busy. Please try your request again later."
    static let busy = BayeuxError(busyText, advice: .retry, failureReason: busyText)
    static let tooManyConnections = BayeuxError(
        "403::To protect all customers from excessive use or Denial of Service attacks, we limit the number of "
            + "simultaneous connections per server. Your request has been denied because this limit has been exceeded. "
            + "Please try your request again later.")
    static let internalFailure = BayeuxError("500::Internal error", advice: .retry)
    static let notPublishable = BayeuxError("403::Publishing to a channel is not supported over CometD")

    /// A handshake's refusal; the reason stands in the extension.
    static func handshakeDenied(_ reason: BayeuxError) -> BayeuxError {
        BayeuxError("403::Handshake denied", advice: BayeuxError.Advice.none, failureReason: reason.text)
    }

    static func noCookie(_ cookie: String, client: String) -> BayeuxError {
        BayeuxError("400::Client \(client) has established a session, but no \(cookie) cookie present")
    }

    static func invalidConnectionType(_ type: String) -> BayeuxError {
        BayeuxError("400::Invalid connection type \(type)")
    }

    static func invalidReplayID(_ id: String) -> BayeuxError {
        BayeuxError(
            "400::The replayId {\(id)} you provided was invalid. Please provide a valid ID, -2 to replay all events, or "
                + "-1 to replay only new events.")
    }

    static func relativeChannel(_ channel: String) -> BayeuxError {
        BayeuxError("400::The channel \(channel) must start with a leading '/'")
    }

    static func unknownChannel(_ channel: String) -> BayeuxError {
        BayeuxError("400::The channel you requested to subscribe to does not exist {\(channel)}")
    }

    static func cannotCreate(_ channel: String) -> BayeuxError { BayeuxError("403::Cannot create channel \(channel)") }

    static func restricted(_ channel: String) -> BayeuxError { BayeuxError("403:\(channel):Restricted channel") }

    static let versionMissing = BayeuxError(
        "400::API version in the URI is mandatory. URI format: '/cometd/\(APIVersion.newest).0'")
    static let versionTooOld = BayeuxError(
        "400::API version in the URI is not supported. Use \(BayeuxDoor.versionMin).0 or later")

    /// What the bus refused. `start` nil: not a subscription.
    init(_ error: EventBusError, channel: String, start: ReplayStart? = nil) {
        switch error.code {
        case .unauthenticated: self = .authenticationInvalid
        case .topicNotFound: self = .unknownChannel(channel)
        case .permissionDenied: self = BayeuxError("403::\(error.message)")
        case .replayIDMissing, .replayIDCorrupted:
            var id = ""
            if case .after(let replayID) = start { id = replayID.counter.map(String.init) ?? replayID.description }
            self = .invalidReplayID(id)
        case .deliveryLimitExceeded: self = .deliveryLimit
        case .clientLimitExceeded: self = .userLimit
        case .unavailable: self = .busy
        default: self = .internalFailure
        }
    }
}
