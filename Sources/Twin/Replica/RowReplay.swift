import ChangeEvents
import Store

/// Writes rows that were read from an org: each is the base to which the events of its window are applied, and the outcome is
/// the record (`docs/twin.md`, "Replicated objects"). Made for one transaction, used on the store's thread.
struct RowReplay {
    let writer: any StoreWriter
    let window: Window.View
    let object: ReplicatedObject
    let outcome: RowOutcome
    /// Nil: the rows have every field that the org still has. Otherwise these alone are taken over.
    private let fields: [String]?
    /// Columns that rows do not bring any more: what they hold stays.
    private let left: [String]
    /// The object has columns by now that the query does not name yet: whoever read them could not write them here, so that a row
    /// of which nothing else is known is not whole.
    private let isBehind: Bool
    /// Most rows will be as the table has them: those are not written again. Otherwise every row is, so that each value gets to its
    /// own column, a new one's among them.
    private let leavesEqual: Bool
    private let ledger: GapLedger
    private let mending: GapLedger.Mending
    /// Fields whose change alone makes no version of a record; nil: the object has no history, or what is read fills new columns.
    private let ignoredInHistory: Set<String>?
    private let now: Int64
    private var versions: [FormerVersion] = []
    /// Not in doubt any more.
    private var settled: [RecordID] = []

    init(
        _ query: SourceQuery, hasAllFields: Bool, leavesEqual: Bool = false, fillsNewColumns: Bool = false,
        of object: ReplicatedObject, window: Window.View, writer: any StoreWriter, twin: Twin,
        mending: GapLedger.Mending
    ) throws {
        self.writer = writer
        self.mending = mending
        ledger = twin.ledger(writer)
        self.window = window
        self.object = object
        outcome = RowOutcome(object: object, window: window, reader: writer, schemas: twin.schemaInTransaction)
        fields = hasAllFields ? nil : query.fields
        self.leavesEqual = leavesEqual
        let read = Set(query.fields)
        left = try writer.objectTable(object.name)?.columns.map(\.name).filter { !read.contains($0) } ?? []
        let state = try ReplicaState.read(writer)?.objects[object.name]
        isBehind = hasAllFields && !left.isEmpty && state?.fields.contains { !read.contains($0) } ?? false
        let hasHistory = twin.configuration.history[object.name] != nil && !fillsNewColumns
        ignoredInHistory = hasHistory ? Set(["SystemModstamp"] + (state?.calculated ?? [])) : nil
        now = twin.configuration.now()
    }

    /// Those of records that the table does not have go into it by the fastest way.
    mutating func write(_ rows: some Collection<SourceRow>) throws(StoreError) {
        let ids = rows.map(\.id)
        guard fields == nil, left.isEmpty, !leavesEqual else {
            let known = try writer.records(entity: object.name, ids: ids).map { ($0.image.id, $0) }
            let records = Dictionary(known, uniquingKeysWith: { first, _ in first })
            for row in rows {
                if let record = try outcome.record(of: row) { try write(record, over: records[row.id]) }
            }
            return
        }
        var former: [RecordID: StoredRecord] = [:]
        var known: Set<RecordID>
        if ignoredInHistory == nil {
            known = Set(try writer.standings(entity: object.name, ids: ids).map(\.id))
        } else {
            for record in try writer.records(entity: object.name, ids: ids) { former[record.image.id] = record }
            known = Set(former.keys)
        }
        var (new, others): ([StoredRecord], [StoredRecord]) = ([], [])
        for row in rows {
            guard let record = try outcome.record(of: row) else { continue }
            if known.insert(row.id).inserted { new.append(record) } else { others.append(record) }
        }
        try writer.load(new)
        for record in others {
            if let was = former[record.image.id] { try put(record, over: was) } else { try writer.put(record) }
        }
        settled += (new + others).filter { !$0.needsRefetch }.map(\.image.id)
    }

    private mutating func write(_ record: StoredRecord, over known: StoredRecord?) throws(StoreError) {
        if let fields { return try takeOver(fields, of: record, into: known) }
        var record = record
        if isBehind, !record.isDeleted, !(known?.image.isComplete ?? false) {
            record.image.isComplete = false
            record.needsRefetch = true
        }
        if !record.needsRefetch { settled.append(record.image.id) }
        guard let known else { return try writer.insert(record) }
        for name in left { record.image.fields[name] = record.image.fields[name] ?? known.image.fields[name] }
        if leavesEqual, record.saysNothingNew(of: known) { return }
        try put(record, over: known)
    }

    private mutating func put(_ record: StoredRecord, over known: StoredRecord) throws(StoreError) {
        if let ignoredInHistory {
            let succession = Succession(former: known, record: record)
            if let version = succession.version(.reading(ignoring: ignoredInHistory), now: now) {
                versions.append(version)
            }
        }
        try writer.put(record)
    }

    /// The last call: what is not in doubt any more leaves the table of gaps.
    func finish() throws(StoreError) {
        if !versions.isEmpty { try writer.keep(versions, entity: object.name) }
        try ledger.settle(settled, of: object.name, by: mending)
    }

    /// A record that was asked for and is not in the org.
    mutating func writeAbsence(of id: RecordID) throws(StoreError) {
        // It may have been made, or brought back, after the org was asked.
        guard window.positions(of: id).isEmpty, !window.concernsAll else { return }
        if ignoredInHistory != nil, let known = try writer.record(entity: object.name, id: id),
            let version = Succession(former: known, record: nil).version(.absence, now: now)
        {
            versions.append(version)
        }
        try writer.remove(entity: object.name, id: id)
        settled.append(id)
    }

    /// Into the record as it is: it follows the log, and these fields as well.
    private mutating func takeOver(
        _ fields: [String], of read: StoredRecord, into known: StoredRecord?
    ) throws(StoreError) {
        guard let known else {
            // Read in part, and nothing else is known of it.
            var partial = read
            partial.image.isComplete = false
            partial.needsRefetch = true
            return try writer.put(partial)
        }
        guard !read.isDeleted else { return }
        var kept = known
        if kept.isDeleted {
            // It is back, and the event that says so will not name what it does not know. Otherwise the last image stays as it was.
            for name in fields where (kept.image.fields[name] ?? .null) == .null {
                kept.image.fields[name] = read.image.fields[name]
            }
            // No version: of a deleted record nothing changes, but comes to be known.
            return try writer.put(kept)
        }
        for name in fields { kept.image.fields[name] = read.image.fields[name] }
        kept.needsRefetch = kept.needsRefetch || read.needsRefetch
        if leavesEqual, kept.saysNothingNew(of: known) { return }
        try put(kept, over: known)
    }
}

extension StoredRecord {
    /// Whether writing it over a record would change nothing that counts.
    fileprivate func saysNothingNew(of known: StoredRecord) -> Bool {
        guard isDeleted == known.isDeleted, needsRefetch == known.needsRefetch,
            image.isComplete == known.image.isComplete,
            // Within what two events of a transaction may be apart.
            commitTimestamp <= known.commitTimestamp + RecordChange.commitTimestampSkewMax
        else { return false }
        return image.fields.allSatisfy { $0.value == known.image.fields[$0.key] ?? .null }
    }
}
