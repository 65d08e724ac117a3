/// What goes wrong. The raw values are the words of the control door.
enum FaultKind: String, Sendable, Hashable, CaseIterable {
    case cut
    case stall
    case halfOpen = "half-open"
    case goAway = "goaway"
    case unavailable
    case requestLimit = "request-limit"
    case expiredToken = "expired-token"
    case lostAnswer = "lost-answer"
    case replayExpired = "replay-expired"
    case replayCorrupted = "replay-corrupted"
    case duplicate
    case delay
    case schema
    case rowLock = "row-lock"
    case bulk
    case gap
    case overflow

    /// What a fault of this kind is about.
    enum Target: Sendable, Hashable {
        /// A path of HTTP, or a call or topic of the Pub/Sub API: one must be named.
        case door
        /// A topic, or all of them.
        case topic
        /// An object, or all of them.
        case object
        /// Nothing to choose.
        case none
    }

    var target: Target {
        switch self {
        case .cut, .stall, .halfOpen, .goAway, .unavailable, .requestLimit, .expiredToken, .lostAnswer: .door
        case .replayExpired, .replayCorrupted, .duplicate, .delay: .topic
        case .rowLock, .bulk, .gap, .overflow: .object
        case .schema: .none
        }
    }

    /// True where `seconds` says how long.
    var takesSeconds: Bool { self == .stall || self == .delay }

    /// What it does, for those who list the kinds.
    var summary: String {
        switch self {
        case .cut: "the TCP connection ends without an answer"
        case .stall: "nothing happens for `seconds`, then the call goes on"
        case .halfOpen: "the connection stays open and nothing goes through it any more"
        case .goAway: "HTTP/2 GOAWAY on the call's connection; HTTP/1.1 is cut"
        case .unavailable: "HTTP status 503 (or `status`); UNAVAILABLE from the Pub/Sub API"
        case .requestLimit: "HTTP status 403 REQUEST_LIMIT_EXCEEDED; RESOURCE_EXHAUSTED from the Pub/Sub API"
        case .expiredToken: "the session is refused; with `during: stream` in the middle of a subscription"
        case .lostAnswer: "the call takes effect, then the connection ends without its answer"
        case .replayExpired: "a subscription with a replay id is told that it has expired"
        case .replayCorrupted: "a subscription with a replay id is told that it is none"
        case .duplicate: "the last event of a delivery comes once more"
        case .delay: "events are shown only `seconds` after they were published"
        case .schema: "a request for a schema fails"
        case .rowLock: "writing a record fails with UNABLE_TO_LOCK_ROW"
        case .bulk: "a bulk job fails at the batch"
        case .gap: "changes become gap events"
        case .overflow: "changes become an overflow event"
        }
    }
}
