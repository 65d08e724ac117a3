/// The deadlines of one loop's connections: one entry per connection, at the earliest thing that may be due.
///
/// A wheel of buckets with intrusive lists in arrays: setting and firing cost the same for ten connections and a million,
/// and a connection costs 12 bytes. An entry that fires early, because it is further away than the wheel is round or because
/// the deadline has moved, is simply set again by the loop. Owned by one loop; time comes in as ticks.
struct TimerWheel {
    /// A connection's row.
    typealias Entry = UInt32

    private static let none = UInt32.max
    private let bucketCount: Int
    private var heads: [UInt32]
    private var next: [UInt32] = []
    private var previous: [UInt32] = []
    private var due: [UInt32] = []
    private(set) var now: UInt32 = 0

    init(bucketCount: Int = 512) {
        self.bucketCount = bucketCount
        heads = Array(repeating: Self.none, count: bucketCount)
    }

    /// Sets or moves the entry. A tick that is not in the future fires with the next `advance`.
    mutating func set(_ entry: Entry, at tick: UInt32) {
        if Int(entry) >= due.count {
            let missing = Int(entry) + 1 - due.count
            next.append(contentsOf: repeatElement(Self.none, count: missing))
            previous.append(contentsOf: repeatElement(Self.none, count: missing))
            due.append(contentsOf: repeatElement(0, count: missing))
        }
        remove(entry)
        let tick = min(max(tick, now + 1), now + UInt32(bucketCount) - 1)
        let bucket = Int(tick) % bucketCount
        due[Int(entry)] = tick
        next[Int(entry)] = heads[bucket]
        previous[Int(entry)] = Self.none
        if heads[bucket] != Self.none { previous[Int(heads[bucket])] = entry }
        heads[bucket] = entry
    }

    /// When the entry will fire; nil when it is not set.
    func tick(of entry: Entry) -> UInt32? {
        guard Int(entry) < due.count, due[Int(entry)] != 0 else { return nil }
        return due[Int(entry)]
    }

    mutating func remove(_ entry: Entry) {
        let index = Int(entry)
        guard index < due.count, due[index] != 0 else { return }
        if previous[index] != Self.none {
            next[Int(previous[index])] = next[index]
        } else {
            heads[Int(due[index]) % bucketCount] = next[index]
        }
        if next[index] != Self.none { previous[Int(next[index])] = previous[index] }
        due[index] = 0
    }

    /// Moves to `tick` and collects what is due, unset.
    mutating func advance(to tick: UInt32, into fired: inout [Entry]) {
        // Past a whole round every bucket has been visited once.
        let last = min(tick, now &+ UInt32(bucketCount))
        while now < last {
            now += 1
            let bucket = Int(now) % bucketCount
            while heads[bucket] != Self.none {
                let entry = heads[bucket]
                remove(entry)
                fired.append(entry)
            }
        }
        now = max(now, tick)
    }
}
