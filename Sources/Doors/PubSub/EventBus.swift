public import ChangeEvents
public import NIOCore
public import Store
public import Twin

/// The event bus behind the doors of the Pub/Sub API and CometD: the sandbox is one, the gateway another (`GatewayBus`).
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
    /// past events of other topics). Answers at once, with no events when there are none. A merged event that is split per
    /// record counts as one for the limit: more may come.
    func read(topic: String, after: Position, limit: Int, caller: BusCaller) async throws(EventBusError) -> BusRead
    /// To be taken before a look (`read`, `readManaged`, `readChannel`) and given to the wait behind it.
    func lookTicket() -> LookTicket
    /// Returns when there may be events after a position, when something else is to be seen that may have come since the look
    /// (a right was taken, a slot is held), or at the deadline.
    func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async

    /// Stores the events of one request; answers a result for each, in their order. What is wrong with the whole request is
    /// thrown, what is wrong with one event is its result.
    func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer

    /// Takes a managed subscription for one stream, with the place where it goes on. Throws `managedAlreadyActive` while
    /// another stream has it.
    func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot
    /// As `read`, for the stream that has the slot.
    func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead
    /// Moves the subscription's cursor; answers when (milliseconds since 1970).
    func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64
    /// The stream has ended: the slot is free.
    func closeManaged(_ slot: ManagedSlot) async

    /// A stream begins at its place; `streamClosed` follows, whatever becomes of it. Throws `clientLimitExceeded` where it may not.
    func streamOpened(_ stream: BusStream) throws(EventBusError)
    /// Events have been written to a stream.
    func streamDelivered(_ id: String, count: Int)
    func streamClosed(_ id: String)
}

extension EventBus {
    public func streamOpened(_ stream: BusStream) throws(EventBusError) {}
    public func streamDelivered(_ id: String, count: Int) {}
    public func streamClosed(_ id: String) {}
}

/// A stream of the Pub/Sub API that takes events.
public struct BusStream: Sendable, Hashable {
    /// Of the call: no two have the same.
    public var id: String
    /// `Subscribe`, `ManagedSubscribe`.
    public var rpc: String
    public var topic: String
    public var caller: BusCaller
    /// The connection's other end, as gRPC names it.
    public var peer: String
    public init(id: String, rpc: String, topic: String, caller: BusCaller, peer: String) {
        self.id = id
        self.rpc = rpc
        self.topic = topic
        self.caller = caller
        self.peer = peer
    }
}

/// An event that a client publishes.
public struct ProducedEvent: Sendable {
    /// Chosen by the producer; empty: the bus makes one.
    public var id: String
    public var schemaID: String
    public var payload: ByteBuffer
    public init(id: String, schemaID: String, payload: ByteBuffer) {
        self.id = id
        self.schemaID = schemaID
        self.payload = payload
    }
}

public struct PublishAnswer: Sendable {
    /// What became of one event.
    public struct Result: Sendable {
        /// Nil where it was refused.
        public var replayID: ReplayID?
        /// Why it was refused.
        public var message: String?
        /// The event's id, given or made.
        public var correlationKey: String
        public init(replayID: ReplayID?, message: String?, correlationKey: String) {
            self.replayID = replayID
            self.message = message
            self.correlationKey = correlationKey
        }
    }
    public var results: [Result]
    /// Of the topic, as it is now.
    public var schemaID: String
    public init(results: [Result], schemaID: String) {
        self.results = results
        self.schemaID = schemaID
    }
}

/// How a client names a managed subscription.
public struct ManagedName: Sendable, Hashable {
    /// Either may be empty.
    public var id: String
    public var developerName: String
    public init(id: String, developerName: String) {
        self.id = id
        self.developerName = developerName
    }
}

/// A managed subscription in the hands of one stream.
public struct ManagedSlot: Sendable, Hashable {
    public var subscriptionID: String
    public var topic: String
    public var position: Position
    /// Of this stream: what an ended stream still holds is worth nothing.
    public var token: String
    public init(subscriptionID: String, topic: String, position: Position, token: String) {
        self.subscriptionID = subscriptionID
        self.topic = topic
        self.position = position
        self.token = token
    }
}

public struct BusCaller: Sendable, Hashable {
    public var userID: String
    public var organizationID: String
    /// By what deliveries are counted: `PUB_SUB_API`, or the id of a CometD client.
    public var client: String
    /// What the token says; nil where the bus decides by the user.
    public var pass: ListenerPass?
    public init(userID: String, organizationID: String, client: String = "PUB_SUB_API", pass: ListenerPass? = nil) {
        self.userID = userID
        self.organizationID = organizationID
        self.client = client
        self.pass = pass
    }
}

/// A push token on a door of Salesforce's own protocols.
public struct ListenerPass: Sendable, Hashable {
    public var grant: Grant
    /// The head of the log when the stream or session began: a loss after it is the stream's.
    public var openedAt: Position
    public init(grant: Grant, openedAt: Position) {
        self.grant = grant
        self.openedAt = openedAt
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
    public var events: [ArrivedEvent]
    public var reached: Position
    public var latestReplayID: ReplayID
    public init(events: [ArrivedEvent], reached: Position, latestReplayID: ReplayID) {
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
        /// A request of a stream does not fit those before it, or holds nothing.
        case requestInvalid
        case requestTooLarge
        case managedNotFound
        case managedStopped
        case managedAlreadyActive
        case commitMissing
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
