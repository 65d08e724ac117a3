import ChangeEvents
import Store

/// What observers are to be told after a commit, in the order in which it was written.
enum Notice: Sendable {
    case appended([LoggedEvent])
    case declared(Gap)
    /// For the twin itself: so many entries of the table of gaps are open.
    case openGaps(Int)
}

/// A store's writer that keeps what observers are to be told. Everything else passes through.
///
/// Used on the store's thread for one transaction.
final class CollectingWriter: StoreWriter {
    private let base: any StoreWriter
    private(set) var notices: [Notice] = []
    private var events: [LoggedEvent] = []
    private var changesGaps = false

    init(_ base: any StoreWriter) { self.base = base }

    /// Events between two gaps are told together.
    func finish() throws(StoreError) -> [Notice] {
        closeEvents()
        return changesGaps ? notices + [.openGaps(try base.openGapCount())] : notices
    }

    private func closeEvents() {
        if events.isEmpty { return }
        notices.append(.appended(events))
        events = []
    }

    func append(_ event: NewEvent) throws(StoreError) -> LoggedEvent {
        let logged = try base.append(event)
        events.append(logged)
        return logged
    }

    func declare(_ gap: Gap) throws(StoreError) -> Gap {
        let declared = try base.declare(gap)
        closeEvents()
        notices.append(.declared(declared))
        return declared
    }

    func saveSchema(_ id: SchemaID, json: String) throws(StoreError) { try base.saveSchema(id, json: json) }
    func setCursor(topic: String, to replayID: ReplayID) throws(StoreError) {
        try base.setCursor(topic: topic, to: replayID)
    }
    func put(_ record: StoredRecord) throws(StoreError) { try base.put(record) }
    func insert(_ record: StoredRecord) throws(StoreError) { try base.insert(record) }
    func load(_ records: [StoredRecord]) throws(StoreError) { try base.load(records) }
    func remove(entity: String, id: RecordID) throws(StoreError) { try base.remove(entity: entity, id: id) }
    func define(_ table: ObjectTable) throws(StoreError) { try base.define(table) }
    func undefine(entity: String) throws(StoreError) { try base.undefine(entity: entity) }
    func markForRefetch(entity: String) throws(StoreError) -> Int { try base.markForRefetch(entity: entity) }
    func enter(_ entry: GapEntry) throws(StoreError) -> GapEntry {
        changesGaps = true
        return try base.enter(entry)
    }
    func change(_ entry: GapEntry) throws(StoreError) {
        changesGaps = true
        try base.change(entry)
    }
    func doubt(_ entry: Int64, entity: String, ids: [RecordID]?) throws(StoreError) {
        try base.doubt(entry, entity: entity, ids: ids)
    }
    func settle(entity: String, ids: [RecordID]?) throws(StoreError) -> [Int64] {
        try base.settle(entity: entity, ids: ids)
    }
    func settle(entity: String, entry: Int64) throws(StoreError) -> Bool {
        try base.settle(entity: entity, entry: entry)
    }
    func trimGapEntries(declaredBefore: Int64, closedMax: Int) throws(StoreError) {
        try base.trimGapEntries(declaredBefore: declaredBefore, closedMax: closedMax)
    }
    func defineHistory(entity: String) throws(StoreError) { try base.defineHistory(entity: entity) }
    func keep(_ versions: [FormerVersion], entity: String) throws(StoreError) {
        try base.keep(versions, entity: entity)
    }
    func trimHistory(entity: String, endedBefore: Int64) throws(StoreError) -> Int {
        try base.trimHistory(entity: entity, endedBefore: endedBefore)
    }
    func setState(_ key: String, to value: [UInt8]?) throws(StoreError) { try base.setState(key, to: value) }
    func part<T>(_ body: () throws -> T) throws(StoreError) -> Result<T, any Error> {
        let (notices, events) = (notices, events)
        let outcome = try base.part(body)
        if case .failure = outcome { (self.notices, self.events) = (notices, events) }
        return outcome
    }
    func trim(olderThan: Int64?, bytesMax: Int?) throws(StoreError) -> Int {
        try base.trim(olderThan: olderThan, bytesMax: bytesMax)
    }

    func head() throws(StoreError) -> Position { try base.head() }
    func oldest() throws(StoreError) -> Position? { try base.oldest() }
    func events(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [LoggedEvent] {
        try base.events(after: after, selection: selection, limit: limit, bytesMax: bytesMax)
    }
    func receivedEvents(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [ArrivedEvent] {
        try base.receivedEvents(after: after, selection: selection, limit: limit, bytesMax: bytesMax)
    }
    func events(withReplayIDs replayIDs: [ReplayID], topic: String) throws(StoreError) -> [LoggedEvent] {
        try base.events(withReplayIDs: replayIDs, topic: topic)
    }
    func place(of replayID: ReplayID, topic: String?) throws(StoreError) -> ReplayPlace {
        try base.place(of: replayID, topic: topic)
    }
    func schemaJSON(_ id: SchemaID) throws(StoreError) -> String? { try base.schemaJSON(id) }
    func newestSchemaID(eventName: String) throws(StoreError) -> SchemaID? {
        try base.newestSchemaID(eventName: eventName)
    }
    func cursor(topic: String) throws(StoreError) -> ReplayID? { try base.cursor(topic: topic) }
    func record(entity: String, id: RecordID) throws(StoreError) -> StoredRecord? {
        try base.record(entity: entity, id: id)
    }
    func records(entity: String, ids: [RecordID]) throws(StoreError) -> [StoredRecord] {
        try base.records(entity: entity, ids: ids)
    }
    func standings(entity: String, ids: [RecordID]) throws(StoreError) -> [RecordStanding] {
        try base.standings(entity: entity, ids: ids)
    }
    func standings(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [RecordStanding] {
        try base.standings(entity: entity, after: after, limit: limit)
    }
    func isDeleted(entity: String, id: RecordID) throws(StoreError) -> Bool? {
        try base.isDeleted(entity: entity, id: id)
    }
    func records(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        try base.records(entity: entity, after: after, limit: limit)
    }
    func recordsToRefetch(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        try base.recordsToRefetch(entity: entity, after: after, limit: limit)
    }
    func records(
        entity: String, where field: String, is value: FieldValue, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        try base.records(entity: entity, where: field, is: value, limit: limit)
    }
    func objectTable(_ entity: String) throws(StoreError) -> ObjectTable? { try base.objectTable(entity) }
    func liveCounts(entity: String, hoursOf field: String) throws(StoreError) -> [Int64?: Int] {
        try base.liveCounts(entity: entity, hoursOf: field)
    }
    func liveIDs(entity: String, in stretch: LiveStretch) throws(StoreError) -> [RecordID] {
        try base.liveIDs(entity: entity, in: stretch)
    }
    func select(
        _ select: RowSelect, deriving derivation: (any RowDerivation)?,
        _ body: (ResultRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try base.select(select, deriving: derivation, body)
    }
    func gaps(in positions: ClosedRange<Position>) throws(StoreError) -> [Gap] { try base.gaps(in: positions) }
    func gapEntries(_ selection: GapSelection, limit: Int) throws(StoreError) -> [GapEntry] {
        try base.gapEntries(selection, limit: limit)
    }
    func gapEntry(_ id: Int64) throws(StoreError) -> GapEntry? { try base.gapEntry(id) }
    func openGapCount() throws(StoreError) -> Int { try base.openGapCount() }
    func doubts(entity: String, id: RecordID?) throws(StoreError) -> [Int64] {
        try base.doubts(entity: entity, id: id)
    }
    func doubtfulEntities() throws(StoreError) -> Set<String> { try base.doubtfulEntities() }
    func history(entity: String, id: RecordID, limit: Int) throws(StoreError) -> [FormerVersion] {
        try base.history(entity: entity, id: id, limit: limit)
    }
    func state(_ key: String) throws(StoreError) -> [UInt8]? { try base.state(key) }
}
