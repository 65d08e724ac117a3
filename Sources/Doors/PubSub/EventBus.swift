public import ChangeEvents
public import Store

/// The event bus behind the Pub/Sub door (and later CometD): the sandbox is one; the bridge will be another.
public protocol EventBus: Sendable {
    /// Checks the call metadata `accesstoken`, `instanceurl`, `tenantid`.
    func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller
    func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription
    func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String
    /// Where a new subscription begins: events after this position. EARLIEST: before the oldest retained one; LATEST: the
    /// head; CUSTOM: after the replay id, or `replayIDCorrupted`.
    func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position
    /// Up to `limit` events of the topic after a position, and the position and replay id the reader has reached (also
    /// past events of other topics). Answers at once, with no events when there are none.
    func read(topic: String, after: Position, limit: Int, caller: BusCaller) async throws(EventBusError) -> BusRead
    /// Returns when there may be events after a position, or at the deadline.
    func waitForEvents(after: Position, timeout: Duration) async
}

public struct BusCaller: Sendable, Hashable {
    public var userID: String
    public var organizationID: String
    public init(userID: String, organizationID: String) {
        self.userID = userID
        self.organizationID = organizationID
    }
}

public struct TopicDescription: Sendable, Hashable {
    public var name: String
    public var tenantGUID: String
    public var canPublish: Bool
    public var canSubscribe: Bool
    /// Blank for channels that carry several events.
    public var schemaID: String
    public init(name: String, tenantGUID: String, canPublish: Bool, canSubscribe: Bool, schemaID: String) {
        self.name = name
        self.tenantGUID = tenantGUID
        self.canPublish = canPublish
        self.canSubscribe = canSubscribe
        self.schemaID = schemaID
    }
}

public enum ReplayStart: Sendable, Hashable {
    case latest
    case earliest
    case after(ReplayID)
}

public struct BusRead: Sendable {
    public var events: [(position: Position, event: ReceivedEvent)]
    public var reached: Position
    public var latestReplayID: ReplayID
    public init(events: [(position: Position, event: ReceivedEvent)], reached: Position, latestReplayID: ReplayID) {
        self.events = events
        self.reached = reached
        self.latestReplayID = latestReplayID
    }
}

/// An error of the event bus: the gRPC status and the `error-code` trailer follow from the code.
public struct EventBusError: Error, Sendable {
    public enum Code: Sendable, Hashable {
        case unauthenticated
        case topicNotFound
        case permissionDenied
        case schemaInvalid
        case replayIDMissing
        case replayIDCorrupted
        case fetchCountInvalid
        case topicChanged
        case unavailable
        case deliveryLimitExceeded
        case clientLimitExceeded
        case internalError
    }
    public var code: Code
    public var message: String
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
