/// Rows of one kind, side by side, with reuse. Owned by one loop.
///
/// The memory only grows: a loop that once held a million rows keeps it, about 150 bytes each, for the next crowd.
///
/// It is reached through a pointer, and writing a row does not write the table: an array in a class costs a run-time check of
/// exclusive access at each touch, which was a third of the user time of a delivery. Every index is checked; rows hold no
/// references, so they need no destruction.
struct SlotTable<Row: BitwiseCopyable>: ~Copyable {
    typealias Index = UInt32

    private static var capacityMin: Int { 64 }

    private var base: UnsafeMutablePointer<Row>
    private var capacity: Int
    /// Rows that have ever been in use: `0..<limit` may be looked at.
    private(set) var limit = 0
    private var free: [Index] = []
    private let empty: Row

    init(empty: Row) {
        self.empty = empty
        capacity = Self.capacityMin
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    var count: Int { limit - free.count }
    var indices: Range<Index> { 0..<Index(limit) }

    /// A row, as it was when it was given back (its generation must go on counting) or empty.
    mutating func allocate() -> Index {
        if let index = free.popLast() { return index }
        if limit == capacity { grow() }
        (base + limit).initialize(to: empty)
        limit += 1
        return Index(limit - 1)
    }

    mutating func release(_ index: Index) {
        free.append(index)
    }

    subscript(index: Index) -> Row {
        @inline(__always) get {
            precondition(Int(index) < limit, "no such row")
            return base[Int(index)]
        }
        @inline(__always) nonmutating _modify {
            precondition(Int(index) < limit, "no such row")
            yield &base[Int(index)]
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Row>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: base, count: limit)
        base.deallocate()
        base = larger
        capacity *= 2
    }
}
