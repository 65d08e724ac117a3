/// Why Upstream could not do something. The error type of this module's edge.
///
/// `description` and `message` hold no token, assertion, key or event payload: they are safe to log and to show.
public struct UpstreamError: Error, Sendable {
    /// What kind of failure it is; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case configuration, loginRefused, loginFailed, unauthenticated, unavailable, limitExceeded, slotTaken
            case replayIDRejected, topicRefused, requestInvalid, streamSilent, schemaUnavailable, sinkFailed, alreadyRun
        }
        private let kind: Kind

        /// The configuration cannot work: an address, a key, a file.
        public static let configuration = Code(kind: .configuration)
        /// The org refuses the login and will go on doing so until somebody changes something there or in the
        /// configuration.
        public static let loginRefused = Code(kind: .loginRefused)
        /// The login did not come about this time: network, time-out, server error, rate limit.
        public static let loginFailed = Code(kind: .loginFailed)
        /// The event bus does not accept the token.
        public static let unauthenticated = Code(kind: .unauthenticated)
        /// The event bus, or the way to it, is out of order for now.
        public static let unavailable = Code(kind: .unavailable)
        /// An allocation of the org is used up: subscribers, or events delivered in 24 hours.
        public static let limitExceeded = Code(kind: .limitExceeded)
        /// Another client holds the managed subscription.
        public static let slotTaken = Code(kind: .slotTaken)
        /// The stored replay id is expired, malformed or of another org: events may be lost.
        public static let replayIDRejected = Code(kind: .replayIDRejected)
        /// The topic does not exist or the user may not subscribe to it.
        public static let topicRefused = Code(kind: .topicRefused)
        /// The event bus calls our request wrong: a bug here.
        public static let requestInvalid = Code(kind: .requestInvalid)
        /// Nothing came for longer than the event bus ever stays silent.
        public static let streamSilent = Code(kind: .streamSilent)
        /// The event bus does not hand out a schema, or one that cannot be read.
        public static let schemaUnavailable = Code(kind: .schemaUnavailable)
        /// The event sink (the twin) failed.
        public static let sinkFailed = Code(kind: .sinkFailed)
        /// `run()` was called a second time.
        public static let alreadyRun = Code(kind: .alreadyRun)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// A sentence for the person who can do something about it.
    public var message: String
    /// The org's own word for it: an OAuth `error`, a Pub/Sub `error-code`, a gRPC status.
    public var reason: String?
    public var topic: String?
    /// What lies behind it; not part of `description`.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, reason: String? = nil, topic: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.reason = reason
        self.topic = topic
        self.cause = cause
    }
}

extension UpstreamError: CustomStringConvertible {
    public var description: String {
        var text = "\(code)"
        if let topic { text += " (\(topic))" }
        text += ": \(message)"
        if let reason { text += " [\(reason)]" }
        return text
    }
}
