/// What waits to be sent, of all connections of one loop: linked entries in one table. A connection that waits for nothing
/// costs nothing here; one that waits costs 24 bytes per frame, and the frame itself is shared.
struct OutQueue: ~Copyable {
    struct Entry: BitwiseCopyable {
        var next: UInt32
        var frame: FrameRing.Index
        /// Whose event it is; `noSubscription` for messages that are nobody's data.
        var subscription: UInt32
        /// The subscription's: another one may have its slot by the time the frame is looked at.
        var stamp: UInt32
        var place: LogPlace
    }

    static let none = UInt32.max
    static let noSubscription = UInt32.max

    private let entries = SlotTable(
        empty: Entry(next: none, frame: 0, subscription: noSubscription, stamp: 0, place: .start))

    var count: Int { entries.count }

    /// The entry as it is, but last.
    func allocate(_ entry: Entry) -> UInt32 {
        let index = entries.allocate()
        entries[index] = entry
        entries[index].next = Self.none
        return index
    }

    func release(_ index: UInt32) {
        entries.release(index)
    }

    subscript(index: UInt32) -> Entry {
        @inline(__always) get { entries[index] }
        @inline(__always) nonmutating _modify { yield &entries[index] }
    }
}
