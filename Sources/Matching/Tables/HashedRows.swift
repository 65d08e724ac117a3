/// A row that can be found by its hash: the links of its bucket are its own.
protocol HashedRow: BitwiseCopyable {
    var hash: UInt32 { get set }
    /// The next row of the bucket.
    var next: UInt32 { get set }
}

/// Rows found by hash, by linear hashing: each insertion may split one bucket, and nothing is ever rebuilt, so that no
/// insertion takes long. Owned by one loop.
struct HashedRows<Row: HashedRow>: ~Copyable {
    typealias Index = UInt32

    static var none: Index { .max }

    private(set) var rows: Rows<Row>
    /// First row of each bucket.
    private var buckets = Rows<Index>(empty: .max)
    /// The largest power of two that is not more than the buckets. Those below `buckets - size` are split already.
    private var size: Index = 64

    init(empty: Row) {
        rows = Rows(empty: empty)
        for _ in 0..<size { _ = buckets.allocate() }
    }

    var count: Int { rows.count }
    var bytes: Int { rows.bytes + buckets.bytes }

    /// A new row with this hash.
    mutating func insert(hash: UInt32) -> Index {
        let index = rows.allocate()
        let bucket = bucket(hash)
        rows[index].hash = hash
        rows[index].next = buckets[bucket]
        buckets[bucket] = index
        if rows.count > Int(buckets.limit) { split() }
        return index
    }

    mutating func remove(_ index: Index) {
        let bucket = bucket(rows[index].hash)
        if buckets[bucket] == index {
            buckets[bucket] = rows[index].next
        } else {
            var other = buckets[bucket]
            while rows[other].next != index { other = rows[other].next }
            rows[other].next = rows[index].next
        }
        rows.release(index)
    }

    /// The first row with this hash for which `isWanted` holds.
    @inline(__always)
    func first(hash: UInt32, where isWanted: (UnsafeMutablePointer<Row>) -> Bool) -> Index? {
        var index = buckets[bucket(hash)]
        while index != Self.none {
            let row = rows.address(index)
            if row.pointee.hash == hash, isWanted(row) { return index }
            index = row.pointee.next
        }
        return nil
    }

    /// The first row with this hash; `next` goes on from it.
    @inline(__always)
    func first(hash: UInt32) -> Index? {
        following(buckets[bucket(hash)], hash)
    }

    /// The next row with the same hash.
    @inline(__always)
    func next(_ index: Index) -> Index? {
        following(rows[index].next, rows[index].hash)
    }

    subscript(index: Index) -> Row {
        @inline(__always) get { rows[index] }
        @inline(__always) nonmutating _modify { yield &rows.address(index).pointee }
    }

    @inline(__always)
    func address(_ index: Index) -> UnsafeMutablePointer<Row> { rows.address(index) }

    @inline(__always)
    private func following(_ start: Index, _ hash: UInt32) -> Index? {
        var index = start
        while index != Self.none, rows[index].hash != hash { index = rows[index].next }
        return index == Self.none ? nil : index
    }

    private func bucket(_ hash: UInt32) -> Index {
        let bucket = hash & (size &* 2 &- 1)
        return bucket < buckets.limit ? bucket : bucket & (size - 1)
    }

    private mutating func split() {
        let old = buckets.limit - size
        let new = buckets.allocate()
        if buckets.limit == size * 2 { size *= 2 }
        var index = buckets[old]
        buckets[old] = Self.none
        while index != Self.none {
            let next = rows[index].next
            let place = bucket(rows[index].hash)
            precondition(place == old || place == new, "a bucket is split in two")
            rows[index].next = buckets[place]
            buckets[place] = index
            index = next
        }
    }
}
