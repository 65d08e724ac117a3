/// Rows of one kind in one array, with reuse. Owned by one loop.
///
/// The array only grows: a loop that once held a million rows keeps their memory, about 150 bytes each, for the next crowd.
struct SlotTable<Row> {
    typealias Index = UInt32

    private(set) var rows: [Row] = []
    private var free: [Index] = []
    private let empty: Row

    init(empty: Row) {
        self.empty = empty
    }

    var count: Int { rows.count - free.count }

    /// A row, as it was when it was given back (its generation must go on counting) or empty.
    mutating func allocate() -> Index {
        if let index = free.popLast() { return index }
        rows.append(empty)
        return Index(rows.count - 1)
    }

    mutating func release(_ index: Index) {
        free.append(index)
    }

    subscript(index: Index) -> Row {
        _read { yield rows[Int(index)] }
        _modify { yield &rows[Int(index)] }
    }
}
