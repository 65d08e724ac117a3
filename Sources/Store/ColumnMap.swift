import ChangeEvents

/// Where the columns of a table stand in records of one shape. Found once for the shape, then used for each record.
final class ColumnMap: Sendable {
    let shape: RecordShape
    /// By column, the place in the shape; nil: such records have no such field.
    let places: [Int?]
    /// Of the field that the tombstone mark stands for.
    private let isDeletedPlace: Int?
    /// Fields without a column.
    private let foreign: [Int]

    /// - Parameter names: of the columns, without `IsDeleted`.
    init(names: [String], hasIsDeletedField: Bool, _ shape: RecordShape) {
        self.shape = shape
        places = names.map { shape.index(of: $0) }
        isDeletedPlace = hasIsDeletedField ? shape.index(of: ObjectTable.isDeletedField) : nil
        let own = Set(places.compactMap { $0 } + [isDeletedPlace].compactMap { $0 })
        foreign = shape.names.indices.filter { !own.contains($0) }
    }

    /// Whether the columns give the record back as it is.
    /// - Parameter holds: whether the column at a place holds a value.
    @inline(__always)
    func holdsExactly(_ record: StoredRecord, _ holds: (_ column: Int, _ value: FieldValue) -> Bool) -> Bool {
        guard record.image.isComplete else { return false }
        let fields = record.image.fields
        for (column, place) in places.enumerated() {
            guard let place, let value = fields[place] else { continue }
            guard holds(column, value) else { return false }
        }
        if let isDeletedPlace, let isDeleted = fields[isDeletedPlace], isDeleted != .boolean(record.isDeleted) {
            return false
        }
        return foreign.allSatisfy { fields[$0] == nil }
    }
}
