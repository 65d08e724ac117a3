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
    /// Record name of the schema (`CaseChangeEvent`, `Low_Ink__e`); empty when the schema could not be had.
    public var eventName: String
    /// Nil for events that are not change events.
    public var routing: EventRouting?
    /// One per record id of a tracked object, otherwise empty.
    public var transitions: [RecordTransition]
    /// Milliseconds since 1970.
    public var receivedAt: Int64
    public init(
        event: ReceivedEvent, eventName: String, routing: EventRouting?, transitions: [RecordTransition], receivedAt: Int64
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

/// Something that was missed and says so: an expired replay id, an overflow, an undecodable event.
public struct Gap: Sendable, Hashable {
    public var topic: String
    /// Head of the log when it was declared: events after it are continuous again.
    public var position: Position
    public var reason: String
    public var declaredAt: Int64
    public init(topic: String, position: Position, reason: String, declaredAt: Int64) {
        self.topic = topic
        self.position = position
        self.reason = reason
        self.declaredAt = declaredAt
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

/// Synchronous reading inside one transaction, on the store's own thread.
public protocol StoreReader {
    /// Position of the newest event ever appended (also when it has been trimmed since), `.start` for a new log.
    func head() throws(StoreError) -> Position
    /// Position of the oldest retained event; nil for an empty log.
    func oldest() throws(StoreError) -> Position?
    /// Events after a position, oldest first; stops at `limit` events or when payloads pass `bytesMax` (at least one event).
    func events(after: Position, selection: EventSelection, limit: Int, bytesMax: Int) throws(StoreError) -> [LoggedEvent]
    /// `topic` nil: any topic. A keepalive's replay id, recorded by `setCursor`, is found as well.
    func place(of replayID: ReplayID, topic: String?) throws(StoreError) -> ReplayPlace
    func schemaJSON(_ id: SchemaID) throws(StoreError) -> String?
    func cursor(topic: String) throws(StoreError) -> ReplayID?
    func record(entity: String, id: RecordID) throws(StoreError) -> StoredRecord?
    func records(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord]
    func gaps(after: Position) throws(StoreError) -> [Gap]
    /// Small named values of a module (`sandbox.nextCaseNumber`).
    func state(_ key: String) throws(StoreError) -> [UInt8]?
}

/// Writing inside one transaction: all of it is durable when `write` returns, or none of it happened.
public protocol StoreWriter: StoreReader {
    func append(_ event: NewEvent) throws(StoreError) -> LoggedEvent
    func saveSchema(_ id: SchemaID, json: String) throws(StoreError)
    func setCursor(topic: String, to replayID: ReplayID) throws(StoreError)
    func put(_ record: StoredRecord) throws(StoreError)
    func remove(entity: String, id: RecordID) throws(StoreError)
    func declare(_ gap: Gap) throws(StoreError)
    func setState(_ key: String, to value: [UInt8]?) throws(StoreError)
    /// Drops the oldest events: those received before `olderThan` (ms since 1970), then until payloads fit `bytesMax`.
    func trim(olderThan: Int64?, bytesMax: Int?) throws(StoreError) -> Int
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

/// Records, log, cursors and schemas in one database. `SQLiteStore` is the embedded engine; PostgreSQL will be another.
public protocol EventStore: Sendable {
    func read<T: Sendable>(_ body: @escaping @Sendable (any StoreReader) throws -> T) async throws -> T
    func write<T: Sendable>(_ body: @escaping @Sendable (any StoreWriter) throws -> T) async throws -> T
    func close() async throws
}

public struct StoreError: Error, Sendable {
    public struct Code: Hashable, Sendable {
        enum Value { case corrupt, full, busy, closed, database }
        let value: Value
        /// What was read does not match its checksum, length or order.
        public static let corrupt = Code(value: .corrupt)
        public static let full = Code(value: .full)
        public static let busy = Code(value: .busy)
        public static let closed = Code(value: .closed)
        public static let database = Code(value: .database)
    }
    public var code: Code
    public var message: String
    public var cause: (any Error)?
    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}
