import ChangeEvents
import Store

/// Writes rows that were read from an org: each is the base to which the events of its window are applied, and the outcome is
/// the record (`docs/twin.md`, "Replicated objects"). Made for one transaction, used on the store's thread.
struct RowReplay {
    let writer: any StoreWriter
    let window: Window.View
    let object: ReplicatedObject
    /// Nil: the rows have every field that the org still has. Otherwise these alone are taken over.
    private let fields: [String]?
    /// Columns that rows do not bring any more: what they hold stays.
    private let left: [String]
    /// Compiled schemas, by what the store has; nil: it has none.
    private let schemas: (SchemaID, any StoreReader) throws(StoreError) -> EventSchema?
    private let ledger: GapLedger
    private let mending: GapLedger.Mending
    /// Not in doubt any more.
    private var settled: [RecordID] = []

    init(
        _ query: SourceQuery, hasAllFields: Bool, of object: ReplicatedObject, window: Window.View,
        writer: any StoreWriter, twin: Twin, mending: GapLedger.Mending
    ) throws(StoreError) {
        self.writer = writer
        self.mending = mending
        ledger = twin.ledger(writer)
        self.window = window
        self.object = object
        schemas = twin.schemaInTransaction
        fields = hasAllFields ? nil : query.fields
        let read = Set(query.fields)
        left = try writer.objectTable(object.name)?.columns.map(\.name).filter { !read.contains($0) } ?? []
    }

    mutating func write(_ row: SourceRow) throws(StoreError) {
        let positions = window.positions(of: row.id)
        let image = RecordImage(entity: object.name, id: row.id, fields: row.fields, isComplete: true)
        var record: StoredRecord? = StoredRecord(
            image: image, isDeleted: row.isDeleted, commitTimestamp: row.systemModstamp, needsRefetch: false)
        for position in positions {
            guard let change = try change(at: position) else { continue }
            record = RecordChange(event: change, id: row.id).outcome(on: record).row ?? record
        }
        guard var record else { return }
        if window.concernsAll { record.needsRefetch = true }
        if let fields { return try takeOver(fields, of: record) }
        if !left.isEmpty, let known = try writer.record(entity: object.name, id: row.id) {
            for name in left { record.image.fields[name] = record.image.fields[name] ?? known.image.fields[name] }
        }
        try writer.put(record)
        if !record.needsRefetch { settled.append(row.id) }
    }

    /// The last call: what is not in doubt any more leaves the table of gaps.
    func finish() throws(StoreError) { try ledger.settle(settled, of: object.name, by: mending) }

    /// A record that was asked for and is not in the org.
    mutating func writeAbsence(of id: RecordID) throws(StoreError) {
        // It may have been made, or brought back, after the org was asked.
        guard window.positions(of: id).isEmpty, !window.concernsAll else { return }
        try writer.remove(entity: object.name, id: id)
        settled.append(id)
    }

    /// Into the record as it is: it follows the log, and these fields as well.
    private func takeOver(_ fields: [String], of read: StoredRecord) throws(StoreError) {
        guard var kept = try writer.record(entity: object.name, id: read.image.id) else {
            // Read in part, and nothing else is known of it.
            var partial = read
            partial.image.isComplete = false
            partial.needsRefetch = true
            return try writer.put(partial)
        }
        // The last image of a deleted record stays as it was.
        guard !kept.isDeleted, !read.isDeleted else { return }
        for name in fields { kept.image.fields[name] = read.image.fields[name] }
        kept.needsRefetch = kept.needsRefetch || read.needsRefetch
        try writer.put(kept)
    }

    private func change(at position: Position) throws(StoreError) -> ChangeEvent? {
        let before = Position(rawValue: position.rawValue - 1)
        let found = try writer.events(after: before, selection: .all, limit: 1, bytesMax: .max)
        guard let logged = found.first, logged.position == position else {
            throw StoreError(code: .corrupt, message: "the event at position \(position.rawValue) is not there")
        }
        let decoded = DecodedEvent(
            logged.content.event, schema: try schemas(logged.content.event.schemaID, writer),
            keeping: object.keptFields.map { [object.name: $0] } ?? [:])
        switch decoded.content {
        case .change(let change): return change
        case .message: return nil
        case .undecodable: return decoded.routing.map { .withoutValues($0.header) }
        }
    }
}
