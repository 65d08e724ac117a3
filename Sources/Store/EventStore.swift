public import ChangeEvents

/// A place in the log: increasing, the only order inside Millrace. 0 is before the first event.
public struct Position: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    public var rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public static let start = Position(rawValue: 0)
    public static func < (left: Position, right: Position) -> Bool { left.rawValue < right.rawValue }
}

/// What routing needs of an event, decoded once and stored beside the payload.
public struct EventRouting: Hashable, Sendable {
    public var header: ChangeEventHeader
    /// Expanded names (`ShippingAddress.Street`).
    public var changedFields: [String]
    public init(header: ChangeEventHeader, changedFields: [String]) {
        self.header = header
        self.changedFields = changedFields
    }
}

/// An event before it has a position.
public struct NewEvent: Sendable {
    public var event: ReceivedEvent
    /// Record name of the schema (`CaseChangeEvent`, `Low_Ink__e`), or what the header says where the schema could not be had;
    /// empty where neither could be read.
    public var eventName: String
    /// Nil for events that are not change events.
    public var routing: EventRouting?
    /// One per record id of a tracked object, otherwise empty.
    public var transitions: [RecordTransition]
    /// Milliseconds since 1970.
    public var receivedAt: Int64
    public init(
        event: ReceivedEvent, eventName: String, routing: EventRouting?, transitions: [RecordTransition],
        receivedAt: Int64
    ) {
        self.event = event
        self.eventName = eventName
        self.routing = routing
        self.transitions = transitions
        self.receivedAt = receivedAt
    }
}

/// An event in the log.
public struct LoggedEvent: Sendable {
    public var position: Position
    public var content: NewEvent
    public init(position: Position, content: NewEvent) {
        self.position = position
        self.content = content
    }
}

/// An event in the log as it came, with nothing that was found out about it.
public struct ArrivedEvent: Sendable {
    public var position: Position
    public var event: ReceivedEvent
    /// Milliseconds since 1970.
    public var receivedAt: Int64
    public init(position: Position, event: ReceivedEvent, receivedAt: Int64) {
        self.position = position
        self.event = event
        self.receivedAt = receivedAt
    }

    public init(_ logged: LoggedEvent) {
        self.init(
            position: logged.position, event: logged.content.event, receivedAt: logged.content.receivedAt)
    }
}

/// Whether a record is there, as a row or as a tombstone.
public struct RecordStanding: Sendable, Hashable {
    public var id: RecordID
    public var isDeleted: Bool
    public init(id: RecordID, isDeleted: Bool) {
        self.id = id
        self.isDeleted = isDeleted
    }

    public init(_ record: StoredRecord) { self.init(id: record.image.id, isDeleted: record.isDeleted) }
}

/// Something that was missed and says so: an expired replay id, an overflow, an undecodable event.
public struct Gap: Sendable, Hashable {
    public var topic: String
    /// Head of the log when it was declared: events after it are continuous again.
    public var position: Position
    public var reason: String
    public var declaredAt: Int64
    /// Number among the gaps at its position, from 0: the store's.
    public var ordinal: Int
    public init(topic: String, position: Position, reason: String, declaredAt: Int64, ordinal: Int = 0) {
        self.topic = topic
        self.position = position
        self.reason = reason
        self.declaredAt = declaredAt
        self.ordinal = ordinal
    }
}

/// Where a replay id stands in the log.
public enum ReplayPlace: Sendable, Hashable {
    /// Events after this position come after the replay id.
    case after(Position)
    /// Once there or never there: retention has passed it, or it is of another org. Cannot be resumed from.
    case unknown
}

/// Which events a reader wants.
public enum EventSelection: Sendable, Hashable {
    case all
    case topics(Set<String>)
    /// By the schema's record name.
    case eventNames(Set<String>)
}

/// Which of an object's live records.
public enum LiveStretch: Sendable, Hashable {
    case all
    /// Whose Date/Time field is empty.
    case empty(field: String)
    /// Whose Date/Time field lies in one of the ranges of milliseconds since 1970.
    case times(field: String, [Range<Int64>])
}

/// Synchronous reading inside one transaction, on the store's own thread.
public protocol StoreReader {
    /// Position of the newest event ever appended (also when it has been trimmed since), `.start` for a new log.
    func head() throws(StoreError) -> Position
    /// Position of the oldest retained event; nil for an empty log.
    func oldest() throws(StoreError) -> Position?
    /// Events after a position, oldest first; stops at `limit` events or when payloads and images pass `bytesMax` (at least
    /// one event).
    func events(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [LoggedEvent]
    /// The same events without routing and images, which a bus does not need: no column but the event's own is decoded.
    /// Every row is checked as in `events`.
    func receivedEvents(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [ArrivedEvent]
    /// `topic` nil: any topic. A keepalive's replay id, recorded by `setCursor`, is found as well. Where one replay id was
    /// given to several events of a transaction (split per record), the place is after the first of them: the others come
    /// once more, which a reader recognises; leaving them out would lose them to a reader that had seen only the first.
    func place(of replayID: ReplayID, topic: String?) throws(StoreError) -> ReplayPlace
    func schemaJSON(_ id: SchemaID) throws(StoreError) -> String?
    /// Of the newest event of this name; nil: the log has none.
    func newestSchemaID(eventName: String) throws(StoreError) -> SchemaID?
    func cursor(topic: String) throws(StoreError) -> ReplayID?
    func record(entity: String, id: RecordID) throws(StoreError) -> StoredRecord?
    /// Of the records with these ids those that there are, in no order.
    func records(entity: String, ids: [RecordID]) throws(StoreError) -> [StoredRecord]
    /// Whether a record is a tombstone; nil: there is none. What asking for the record would say, for less.
    func isDeleted(entity: String, id: RecordID) throws(StoreError) -> Bool?
    /// The same of many: of these ids those that there are, in no order.
    func standings(entity: String, ids: [RecordID]) throws(StoreError) -> [RecordStanding]
    /// The same of all, by id.
    func standings(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [RecordStanding]
    func records(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord]
    /// Those marked `needsRefetch`, by id: the queue of what is to be read from the org again. Cost follows what is due.
    func recordsToRefetch(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord]
    /// Records whose field has this value (texts compare as in SOQL, ids bytewise), tombstones among them, in no order.
    /// Reads the whole object where the field has no index. A null is equal to nothing.
    func records(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord]
    /// How an object's records are kept; nil where they have no table of their own.
    func objectTable(_ entity: String) throws(StoreError) -> ObjectTable?
    /// Runs a `SELECT` over the object tables; `body` answers false to stop early. A body may run other selects.
    func select(
        _ select: RowSelect, deriving derivation: (any RowDerivation)?,
        _ body: (ResultRow) throws(StoreError) -> Bool
    ) throws(StoreError)
    /// Live records of an object with a table of its own, counted by the hour (UTC, since 1970) of a Date/Time field in one pass
    /// over the table; under nil those whose field is empty. Empty where there is no such table or column.
    func liveCounts(entity: String, hoursOf field: String) throws(StoreError) -> [Int64?: Int]
    /// Ids of such records, in their order.
    func liveIDs(entity: String, in stretch: LiveStretch) throws(StoreError) -> [RecordID]
    /// Events of a topic with one of these replay ids, oldest first: several have the same when enriched events were split per
    /// record. The 8-byte and the 10-byte form of a counter are the same replay id. What ingest looks at to recognise a
    /// redelivery.
    func events(withReplayIDs replayIDs: [ReplayID], topic: String) throws(StoreError) -> [LoggedEvent]
    /// Gaps declared at these places, oldest first. A gap declared at the head P means that events are missing between P and
    /// P + 1, so a reader that stands at P is concerned.
    func gaps(in positions: ClosedRange<Position>) throws(StoreError) -> [Gap]
    /// Rows of the table of gaps, newest first.
    func gapEntries(_ selection: GapSelection, limit: Int) throws(StoreError) -> [GapEntry]
    func gapEntry(_ id: Int64) throws(StoreError) -> GapEntry?
    func openGapCount() throws(StoreError) -> Int
    /// The entries by which a record is in doubt; nil: those by which the whole object is. Oldest first.
    func doubts(entity: String, id: RecordID?) throws(StoreError) -> [Int64]
    /// Objects of which something is in doubt by an entry.
    func doubtfulEntities() throws(StoreError) -> Set<String>
    /// What a record was, newest first, of an object that has a history table.
    func history(entity: String, id: RecordID, limit: Int) throws(StoreError) -> [FormerVersion]
    /// Small named values of a module (`sandbox.nextCaseNumber`).
    func state(_ key: String) throws(StoreError) -> [UInt8]?
}

extension StoreReader {
    public func records(entity: String, ids: [RecordID]) throws(StoreError) -> [StoredRecord] {
        var found: [StoredRecord] = []
        for id in ids { if let record = try record(entity: entity, id: id) { found.append(record) } }
        return found
    }

    public func standings(entity: String, ids: [RecordID]) throws(StoreError) -> [RecordStanding] {
        var found: [RecordStanding] = []
        for id in ids {
            guard let isDeleted = try isDeleted(entity: entity, id: id) else { continue }
            found.append(RecordStanding(id: id, isDeleted: isDeleted))
        }
        return found
    }
}

/// Writing inside one transaction: all of it is durable when `write` returns, or none of it happened.
public protocol StoreWriter: StoreReader {
    func append(_ event: NewEvent) throws(StoreError) -> LoggedEvent
    func saveSchema(_ id: SchemaID, json: String) throws(StoreError)
    func setCursor(topic: String, to replayID: ReplayID) throws(StoreError)
    func put(_ record: StoredRecord) throws(StoreError)
    /// As `put` for a record that is not there yet, which is then not looked for. Of an object with a table of its own, one
    /// that is there is a failure of the transaction.
    func insert(_ record: StoredRecord) throws(StoreError)
    /// As `insert` for many records of one object, by the fastest way that the engine has.
    func load(_ records: [StoredRecord]) throws(StoreError)
    func remove(entity: String, id: RecordID) throws(StoreError)
    /// Gives an object a table of its own, or changes the one it has: new columns are empty, columns that are no longer
    /// named are gone with their values. Records that were kept without a table move into it.
    func define(_ table: ObjectTable) throws(StoreError)
    /// Drops an object's table with its records.
    func undefine(entity: String) throws(StoreError)
    /// Sets `needsRefetch` on every record of an object (overflow, mass conversion); answers how many were newly marked.
    func markForRefetch(entity: String) throws(StoreError) -> Int
    /// Says that events of a topic are missing after a position. Answers it with its number among those declared there.
    @discardableResult
    func declare(_ gap: Gap) throws(StoreError) -> Gap
    /// Adds a row to the table of gaps; answers it with its number.
    func enter(_ entry: GapEntry) throws(StoreError) -> GapEntry
    /// Writes an entry again, by its number.
    func change(_ entry: GapEntry) throws(StoreError)
    /// By an entry, records of an object are in doubt; nil: the object as a whole.
    func doubt(_ entry: Int64, entity: String, ids: [RecordID]?) throws(StoreError)
    /// Records are not in doubt any more, nor the object as a whole where nil is given; answers the entries of which nothing else
    /// is.
    func settle(entity: String, ids: [RecordID]?) throws(StoreError) -> [Int64]
    /// By this entry, an object as a whole is not in doubt any more; answers whether nothing else of the entry is.
    func settle(entity: String, entry: Int64) throws(StoreError) -> Bool
    /// Drops entries that are not open: those declared before a time, and the oldest beyond so many. A bounded number.
    func trimGapEntries(declaredBefore: Int64, closedMax: Int) throws(StoreError)
    /// Gives an object a history table, where it has none. Nothing takes it away again.
    func defineHistory(entity: String) throws(StoreError)
    /// Adds to an object's history table, in this order. No version of a record begins before the one before it ended: times that say
    /// otherwise are moved on.
    func keep(_ versions: [FormerVersion], entity: String) throws(StoreError)
    /// Drops versions that ended before a time (ms since 1970), a bounded number; answers how many.
    func trimHistory(entity: String, endedBefore: Int64) throws(StoreError) -> Int
    func setState(_ key: String, to value: [UInt8]?) throws(StoreError)
    /// Runs a part of the transaction that can be undone by itself: where the body throws, nothing of what it wrote has
    /// happened, its error is the answer, and the transaction goes on. Throws where the whole transaction is lost.
    func part<T>(_ body: () throws -> T) throws(StoreError) -> Result<T, any Error>
    /// Drops the oldest events: those received before `olderThan` (ms since 1970), then until what is kept (payloads, headers
    /// and images) fits `bytesMax`. Only a prefix of the log is ever dropped: an old event behind a newer one waits for it.
    /// Bounded work: call it again, in a transaction of its own, until it answers 0.
    func trim(olderThan: Int64?, bytesMax: Int?) throws(StoreError) -> Int
}

extension StoreWriter {
    public func load(_ records: [StoredRecord]) throws(StoreError) {
        for record in records { try insert(record) }
    }
}

/// A tracked record as kept.
public struct StoredRecord: Sendable, Hashable {
    public var image: RecordImage
    /// A tombstone: the record was deleted; its last image stays until it is removed.
    public var isDeleted: Bool
    /// Of the last change applied: orders tombstones against late events. Milliseconds since 1970.
    public var commitTimestamp: Int64
    /// Set when values are known to be missing or doubtful (partial row, GAP event, failed diff): a refetch is due.
    public var needsRefetch: Bool
    public init(image: RecordImage, isDeleted: Bool, commitTimestamp: Int64, needsRefetch: Bool) {
        self.image = image
        self.isDeleted = isDeleted
        self.commitTimestamp = commitTimestamp
        self.needsRefetch = needsRefetch
    }
}

/// Records, log, cursors and schemas in one database. `SQLiteStore` is the embedded engine, `PostgresStore` the
/// other.
///
/// The bodies run on the store's own threads, one writer at a time; readers run beside it on a snapshot. A `StoreReader` or
/// `StoreWriter` must not be kept beyond its body.
public protocol EventStore: Sendable {
    /// Runs `body` on one consistent snapshot. What `body` throws is thrown on unchanged. A statement that still runs
    /// `timeMax` after the body began is ended with `.timedOut`.
    func read<T: Sendable>(
        timeMax: Duration?, _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws -> T
    /// Runs `body` in one transaction. When this returns, all of it is durable; when it throws, nothing of it happened.
    /// Cancelling the task before the transaction began throws `CancellationError`; from then on it runs to its end, so that
    /// the outcome is always known.
    func write<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T
    /// As `write`, also where the task is cancelled: what it writes is not its own alone.
    func writeForOthers<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T
    /// Waits for the transactions under way, then closes. Every later call throws `.closed`.
    func close() async throws
}

extension EventStore {
    /// As long as it takes.
    public func read<T: Sendable>(_ body: @escaping @Sendable (any StoreReader) throws -> T) async throws -> T {
        try await read(timeMax: nil, body)
    }
}

extension ReplayID {
    /// The same for every form of a replay id. What `replay_key` holds.
    public var key: [UInt8] { counter == nil ? bytes : Array(bytes.prefix(8)) }
}
