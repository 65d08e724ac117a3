internal import Matching

/// What waits to be sent, of all connections of one loop: linked entries in one array. A connection that waits for nothing
/// costs nothing here; one that waits costs 24 bytes per frame, and the frame itself is shared.
struct OutQueue {
    struct Entry {
        var next: UInt32
        var frame: FrameRing.Index
        /// Whose event it is; `noSubscription` for messages that are nobody's data.
        var subscription: UInt32
        var place: LogPlace
    }

    static let none = UInt32.max
    static let noSubscription = UInt32.max

    private var entries: [Entry] = []
    private var firstFree = none
    private(set) var count = 0

    mutating func allocate(frame: FrameRing.Index, subscription: UInt32, place: LogPlace) -> UInt32 {
        count += 1
        let entry = Entry(next: Self.none, frame: frame, subscription: subscription, place: place)
        guard firstFree != Self.none else {
            entries.append(entry)
            return UInt32(entries.count - 1)
        }
        let index = firstFree
        firstFree = entries[Int(index)].next
        entries[Int(index)] = entry
        return index
    }

    mutating func release(_ index: UInt32) {
        count -= 1
        entries[Int(index)].next = firstFree
        firstFree = index
    }

    subscript(index: UInt32) -> Entry {
        _read { yield entries[Int(index)] }
        _modify { yield &entries[Int(index)] }
    }
}
