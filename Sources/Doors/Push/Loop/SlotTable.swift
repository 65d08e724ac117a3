/// Rows of one kind, side by side, with reuse. Owned by one loop.
///
/// The memory only grows: a loop that once held a million rows keeps it, about 150 bytes each, for the next crowd.
///
/// Every index is checked; rows hold no references, so they need no destruction. Changing a row does not change the table,
/// which is a constant of its owner (see `LoopOwned`).
struct SlotTable<Row: BitwiseCopyable>: ~Copyable {
    typealias Index = UInt32

    private struct Rows {
        var base: UnsafeMutablePointer<Row>
        var capacity: Int
        /// Rows that have ever been in use: `0..<limit` may be looked at.
        var limit = 0
        var free: [Index] = []
    }

    private static var capacityMin: Int { 64 }

    private let rows: LoopOwned<Rows>
    private let empty: Row

    init(empty: Row) {
        self.empty = empty
        rows = LoopOwned(Rows(base: .allocate(capacity: Self.capacityMin), capacity: Self.capacityMin))
    }

    deinit { rows.value.base.deallocate() }

    var count: Int { rows.value.limit - rows.value.free.count }
    var indices: Range<Index> { 0..<Index(rows.value.limit) }

    /// A row, as it was when it was given back (its generation must go on counting) or empty.
    func allocate() -> Index {
        if let index = rows.value.free.popLast() { return index }
        if rows.value.limit == rows.value.capacity { grow() }
        (rows.value.base + rows.value.limit).initialize(to: empty)
        rows.value.limit += 1
        return Index(rows.value.limit - 1)
    }

    func release(_ index: Index) {
        rows.value.free.append(index)
    }

    subscript(index: Index) -> Row {
        @inline(__always) get {
            precondition(Int(index) < rows.value.limit, "no such row")
            return rows.value.base[Int(index)]
        }
        @inline(__always) nonmutating _modify {
            precondition(Int(index) < rows.value.limit, "no such row")
            yield &rows.value.base[Int(index)]
        }
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Row>.allocate(capacity: rows.value.capacity * 2)
        larger.moveInitialize(from: rows.value.base, count: rows.value.limit)
        rows.value.base.deallocate()
        rows.value.base = larger
        rows.value.capacity *= 2
    }
}
