public import ChangeEvents
import CrashPoints
import Foundation
public import Logging
public import Store
import Synchronization

/// The faithful copy: tracked records and the event log, changed together in one transaction.
///
/// Guarantees (the reasoning is in `docs/twin.md`): an event is applied, logged and acknowledged by the cursor in one
/// transaction or not at all; a redelivered event changes nothing; observers are told of every event exactly once, after it
/// is durable, in log order, whoever commits and from whichever task. Used from any task; the waiting is asynchronous.
public final class Twin: Sendable {
    public struct Configuration: Sendable {
        /// Objects whose records are kept (images, `where` on any field); nil: every object that events speak of.
        public var trackedEntities: Set<String>?
        /// By object, the fields that are kept; objects that are not named keep all.
        public var keptFields: [String: Set<String>] = [:]
        /// Objects that a `Replica` keeps whole, each with the topics that bring its changes: what is missed of them is mended.
        public var replicated: [String: Set<String>] = [:]
        /// Objects of whose records it is kept what they were, replicated ones.
        public var history: [String: History] = [:]
        /// How long events stay in the log; Salesforce keeps them for 72 h.
        public var retention: Duration = .seconds(72 * 3600)
        /// Bytes of payloads, headers and images in the log; nil: no bound.
        public var logBytesMax: Int?
        /// How often `run` looks for events to drop.
        public var retentionInterval: Duration = .seconds(60)
        /// Milliseconds since 1970; replaced in tests.
        public var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }
        public init() {}
    }

    /// For reading. Events appended through it, past the twin, are told to observers only with the twin's next commit.
    public let store: any EventStore
    let configuration: Configuration
    let logger: Logger
    let turns = Turns<any CommitWork>()
    let observers: Observers
    private let schemas = Mutex<[SchemaID: EventSchema]>([:])
    private let heard = HeardTimes()
    private let open = Mutex(0)

    /// Entries of the table of gaps that are not mended yet.
    public var openGaps: Int { open.withLock { $0 } }

    public init(store: any EventStore, configuration: Configuration, logger: Logger) async throws {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        observers = Observers(told: try await store.read { try $0.head() })
        try await abandonOthers()
        try await defineHistory()
    }

    private func defineHistory() async throws {
        let entities = configuration.history.keys.sorted()
        if entities.isEmpty { return }
        try await commit { writer in
            for entity in entities { try writer.defineHistory(entity: entity) }
        }
    }

    /// What an earlier configuration replicated, this one may not.
    private func abandonOthers() async throws {
        let replicated = configuration.replicated
        let (doubtful, known, count) = try await store.read {
            (try $0.doubtfulEntities(), try ReplicaState.read($0)?.objects.keys.map { $0 } ?? [], try $0.openGapCount())
        }
        noteOpenGaps(count)
        guard doubtful.union(known).contains(where: { replicated[$0] == nil }) else { return }
        try await commit { [self] writer in
            try ledger(writer).abandonOthers()
            guard var state = try ReplicaState.read(writer), state.forgetOthers(than: Set(replicated.keys)) else {
                return
            }
            try state.write(writer)
        }
    }

    func noteOpenGaps(_ count: Int) { open.withLock { $0 = count } }

    func ledger(_ writer: any StoreWriter) -> GapLedger {
        GapLedger(writer: writer, replicated: configuration.replicated, now: configuration.now())
    }

    /// Rows of the table of gaps, newest first.
    public func gapEntries(_ selection: GapSelection = .all, limit: Int) async throws -> [GapEntry] {
        try await store.read { try $0.gapEntries(selection, limit: limit) }
    }

    /// Applies a batch from upstream: records, log and cursor in one transaction, then tells the observers.
    /// An event already in the log (same topic, replay id, event id and records) is neither applied nor appended again.
    ///
    /// Returns when all of it is durable. Cancelling before its turn throws `CancellationError` and changes nothing; from
    /// then on it runs to its end. An event whose schema is unknown or whose payload cannot be read is logged all the same,
    /// with a gap: learn the schema first where it can be had.
    public func ingest(_ batch: ReceivedBatch) async throws {
        var decoded: [DecodedEvent] = []
        decoded.reserveCapacity(batch.events.count)
        for event in batch.events {
            decoded.append(
                DecodedEvent(event, schema: try await schema(event.schemaID), keeping: configuration.keptFields))
        }
        let events = decoded
        let trackedEntities = configuration.trackedEntities
        let receivedAt = configuration.now()
        let newest = events.compactMap { $0.routing?.header.commitTimestamp }.max().map { min($0, receivedAt) }
        let (remarks, heardUntil) = try await commit { [self] writer in
            var ingestion = Ingestion(
                writer: writer, ledger: ledger(writer), trackedEntities: trackedEntities,
                withHistory: Set(configuration.history.keys), receivedAt: receivedAt)
            try ingestion.ingest(events)
            let heardUntil = try heard.keep(newest, of: batch.topic, writer)
            if let place = batch.latestReplayID ?? batch.events.last?.replayID {
                CrashPoint.cursorBefore.reached()
                try writer.setCursor(topic: batch.topic, to: place)
                CrashPoint.cursorAfter.reached()
            }
            return (ingestion.remarks, heardUntil)
        }
        heard.committed(heardUntil, of: batch.topic)
        for remark in remarks {
            logger.warning(remark.message, metadata: ["topic": "\(remark.topic)", "detail": "\(remark.detail)"])
        }
    }

    /// For the sandbox, whose twin *is* the org: reads and writes in one transaction; appended events reach the observers
    /// after the commit, in commit order. The observers have been told when this returns.
    ///
    /// Callers that wait at the same time are committed together; where a body throws, what it wrote is undone, and nothing of
    /// the others.
    public func commit<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T {
        let commit = Commit(body)
        try await turns.perform(commit, max: Self.commitsTogetherMax) { await commitTogether($0) }
        return try commit.value()
    }

    /// Declares that events of a topic are missing from here on, and tells the observers.
    public func declareGap(topic: String, reason: String) async throws {
        let now = configuration.now()
        try await commit { [self] writer in
            _ = try writer.declare(Gap(topic: topic, position: try writer.head(), reason: reason, declaredAt: now))
            try ledger(writer).enterLoss(on: topic, reason: reason, lastHeard: try HeardTimes.time(topic, writer))
        }
    }

    /// Adds an observer; answers the head position at that instant: everything after it will be seen by the observer
    /// (replay up to it, then live: no hole, no double).
    public func observe(_ observer: any LogObserver) async throws -> Position {
        try await turns.withTurn {
            let head = try await store.read { try $0.head() }
            try await tellMissed(before: Position(rawValue: head.rawValue + 1))
            observers.add(observer)
            return head
        }
    }

    /// After this returns no new call begins; one under way on another thread may still be ending.
    public func stopObserving(_ observer: any LogObserver) { observers.remove(observer) }

    /// The compiled schema, from memory or the store.
    public func schema(_ id: SchemaID) async throws -> EventSchema? {
        if let known = schemas.withLock({ $0[id] }) { return known }
        guard let json = try await store.read({ try $0.schemaJSON(id) }) else { return nil }
        return try compile(id, json)
    }

    /// The same inside a transaction.
    func schemaInTransaction(_ id: SchemaID, _ reader: any StoreReader) throws(StoreError) -> EventSchema? {
        if let known = schemas.withLock({ $0[id] }) { return known }
        return try reader.schemaJSON(id).map { json throws(StoreError) in try compile(id, json) }
    }

    private func compile(_ id: SchemaID, _ json: String) throws(StoreError) -> EventSchema {
        let schema: EventSchema
        do throws(AvroError) {
            schema = try EventSchema(json: json)
        } catch {
            throw StoreError(
                code: .corrupt, message: "the stored schema \(id) cannot be read: \(error.message)", cause: error)
        }
        schemas.withLock { $0[id] = schema }
        return schema
    }

    /// Keeps a schema for good. Durable when it returns; learning it again costs nothing.
    public func learn(_ schema: EventSchema) async throws {
        if schemas.withLock({ $0[schema.id]?.json == schema.json }) { return }
        try await store.write { try $0.saveSchema(schema.id, json: schema.json) }
        schemas.withLock { $0[schema.id] = schema }
    }
}
