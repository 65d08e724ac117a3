import ChangeEvents
import Store

/// What a row that was read becomes by the events of its window. Made for one transaction, used on the store's thread.
struct RowOutcome {
    let object: ReplicatedObject
    let window: Window.View
    let reader: any StoreReader
    /// Compiled schemas, by what the store has; nil: it has none.
    let schemas: (SchemaID, any StoreReader) throws(StoreError) -> EventSchema?

    /// Nil: there is no record.
    func record(of row: SourceRow) throws(StoreError) -> StoredRecord? {
        let image = RecordImage(entity: object.name, id: row.id, fields: row.fields, isComplete: true)
        var record: StoredRecord? = StoredRecord(
            image: image, isDeleted: row.isDeleted, commitTimestamp: row.systemModstamp, needsRefetch: false)
        for position in window.positions(of: row.id) {
            guard let change = try change(at: position) else { continue }
            record = RecordChange(event: change, id: row.id).outcome(on: record).row ?? record
        }
        if window.concernsAll { record?.needsRefetch = true }
        return record
    }

    private func change(at position: Position) throws(StoreError) -> ChangeEvent? {
        let before = Position(rawValue: position.rawValue - 1)
        let found = try reader.events(after: before, selection: .all, limit: 1, bytesMax: .max)
        guard let logged = found.first, logged.position == position else {
            throw StoreError(code: .corrupt, message: "the event at position \(position.rawValue) is not there")
        }
        let decoded = DecodedEvent(
            logged.content.event, schema: try schemas(logged.content.event.schemaID, reader),
            keeping: object.keptFields.map { [object.name: $0] } ?? [:])
        switch decoded.content {
        case .change(let change): return change
        case .message: return nil
        case .undecodable: return decoded.routing.map { .withoutValues($0.header) }
        }
    }
}
