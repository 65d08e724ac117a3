public import ChangeEvents
public import Logging
public import Store

/// What arrived together from upstream: events in the order of their topic, then the place reached.
public struct ReceivedBatch: Sendable {
    public var topic: String
    public var events: [ReceivedEvent]
    /// `latest_replay_id` of the response (also of a keepalive without events): the cursor after the batch.
    public var latestReplayID: ReplayID?
    public init(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) {
        self.topic = topic
        self.events = events
        self.latestReplayID = latestReplayID
    }
}

/// Sees every event after it is durable, in log order. Called on the store's commit path: must return at once (hand over
/// to a loop, wake a reader), must not call back into the twin.
public protocol LogObserver: AnyObject, Sendable {
    func appended(_ events: [LoggedEvent])
    /// Events were lost to everybody after this place.
    func declared(_ gap: Gap)
}

/// The faithful copy: tracked records and the event log, changed together in one transaction.
///
/// INTERFACE SKETCH: bodies are to be written; other modules build on these signatures.
public final class Twin: Sendable {
    public struct Configuration: Sendable {
        /// Objects whose records are kept (images, `where` on any field); nil: every object that events speak of.
        public var trackedEntities: Set<String>?
        public var retention: Duration = .seconds(72 * 3600)
        public var logBytesMax: Int?
        public init() {}
    }

    public let store: any EventStore

    public init(store: any EventStore, configuration: Configuration, logger: Logger) async throws { fatalError("sketch") }

    /// Applies a batch from upstream: records, log and cursor in one transaction, then tells the observers.
    /// An event already in the log (same topic, replay id) is not appended again.
    public func ingest(_ batch: ReceivedBatch) async throws { fatalError("sketch") }

    /// For the sandbox, whose twin *is* the org: reads and writes in one transaction; appended events reach the observers
    /// after the commit, in commit order.
    public func commit<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T {
        fatalError("sketch")
    }

    public func declareGap(topic: String, reason: String) async throws { fatalError("sketch") }

    /// Adds an observer; answers the head position at that instant: everything after it will be seen by the observer
    /// (replay up to it, then live: no hole, no double).
    public func observe(_ observer: any LogObserver) async throws -> Position { fatalError("sketch") }
    public func stopObserving(_ observer: any LogObserver) { fatalError("sketch") }

    /// The compiled schema, from memory or the store.
    public func schema(_ id: SchemaID) async throws -> EventSchema? { fatalError("sketch") }
    public func learn(_ schema: EventSchema) async throws { fatalError("sketch") }

    /// Runs retention until cancelled.
    public func run() async throws { fatalError("sketch") }
}
