import ChangeEvents

/// Where the columns of a table stand in records of one shape. Found once for the shape, then used for each record.
final class ColumnMap: Sendable {
    let shape: RecordShape
    /// By column, the place in the shape; nil: such records have no such field.
    let places: [Int?]
    /// Of the field that the tombstone mark stands for.
    let isDeletedPlace: Int?
    /// Fields without a column.
    private let foreign: [Int]

    init(_ layout: TableLayout, _ shape: RecordShape) {
        self.shape = shape
        places = layout.columns.map { shape.index(of: $0.name) }
        isDeletedPlace = layout.hasIsDeletedField ? shape.index(of: ObjectTable.isDeletedField) : nil
        let own = Set(places.compactMap { $0 } + [isDeletedPlace].compactMap { $0 })
        foreign = shape.names.indices.filter { !own.contains($0) }
    }

    /// Whether the columns give the record back as it is.
    func holdsExactly(_ record: StoredRecord, _ columns: [TableLayout.Column]) -> Bool {
        guard record.image.isComplete else { return false }
        let fields = record.image.fields
        for (column, place) in zip(columns, places) {
            guard let place, let value = fields[place] else { continue }
            guard column.holds(value) else { return false }
        }
        if let isDeletedPlace, let isDeleted = fields[isDeletedPlace], isDeleted != .boolean(record.isDeleted) {
            return false
        }
        return foreign.allSatisfy { fields[$0] == nil }
    }
}
