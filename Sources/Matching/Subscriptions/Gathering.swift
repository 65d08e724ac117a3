/// What a match has found so far, by frame class and verdict; kept from one match to the next for its memory.
struct Gathering {
    /// The groups of one class and verdict, in a list.
    private struct Bucket {
        var first = UInt32.max
        var last = UInt32.max
        var slotCount = 0
    }

    private struct Run {
        var group: UInt32
        var following = UInt32.max
    }

    /// Conditions that may have been found more than once.
    var repeated: [UInt32] = []
    /// By class and verdict: classes are small numbers.
    private var buckets: [Bucket] = []
    private var used: [Int] = []
    private var runs: [Run] = []
    private var slots: [SubscriptionSlot] = []

    mutating func add(_ group: UInt32, _ frameClass: UInt32, _ verdict: Verdict, count: Int) {
        let place = Int(frameClass) * Verdict.allCases.count + verdict.number
        if place >= buckets.count {
            buckets += Array(repeating: Bucket(), count: place + 1 + place / 2 - buckets.count)
        }
        let run = UInt32(runs.count)
        runs.append(Run(group: group))
        if buckets[place].first == UInt32.max {
            used.append(place)
            buckets[place].first = run
        } else {
            runs[Int(buckets[place].last)].following = run
        }
        buckets[place].last = run
        buckets[place].slotCount += count
    }

    /// Calls `body` once for each class and verdict. Slots of one group are lent where they lie; those of several are put
    /// together first.
    mutating func forEach(
        _ groups: borrowing HashedRows<GroupRow>,
        _ body: (FrameClass, Verdict, UnsafeBufferPointer<SubscriptionSlot>) -> Void
    ) {
        for place in used {
            let frameClass = FrameClass(rawValue: UInt32(place / Verdict.allCases.count))
            let verdict = Verdict.allCases[place % Verdict.allCases.count]
            var run = buckets[place].first
            if run == buckets[place].last {
                let lent = groups.address(runs[Int(run)].group).pointee.slots.elements
                body(frameClass, verdict, UnsafeBufferPointer(lent))
                continue
            }
            slots.removeAll(keepingCapacity: true)
            slots.reserveCapacity(buckets[place].slotCount)
            while run != UInt32.max {
                slots.append(contentsOf: groups.address(runs[Int(run)].group).pointee.slots.elements)
                run = runs[Int(run)].following
            }
            slots.withUnsafeBufferPointer { body(frameClass, verdict, $0) }
        }
    }

    mutating func clear() {
        for place in used { buckets[place] = Bucket() }
        used.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        repeated.removeAll(keepingCapacity: true)
    }
}
