/// Counts per purpose over the last 24 hours, in buckets of a quarter of an hour. Time is in seconds since 1970 and comes in
/// from outside.
///
/// A bucket is forgotten when its youngest call is a day old, so that the sum is never too small.
struct RollingCounts: Sendable, Hashable, Codable {
    static let bucketSeconds: Int64 = 15 * 60
    static let windowSeconds: Int64 = 24 * 3_600

    private struct Bucket: Sendable, Hashable, Codable {
        /// Its beginning, in units of `bucketSeconds` since 1970.
        var index: Int64
        var counts: [CallPurpose: Int] = [:]
        var total: Int { counts.values.reduce(0, +) }
        /// When it is forgotten.
        var end: Int64 { (index + 1) * bucketSeconds + windowSeconds }
    }

    /// Oldest first, one for each quarter in which something was counted: at most 97.
    private var buckets: [Bucket] = []
    /// Sums of the buckets.
    private var sums: [CallPurpose: Int] = [:]

    var total: Int { sums.values.reduce(0, +) }

    subscript(purpose: CallPurpose) -> Int { sums[purpose, default: 0] }

    mutating func add(_ purpose: CallPurpose, at now: Int64) {
        forget(at: now)
        let index = now / Self.bucketSeconds
        if buckets.last?.index != index { buckets.append(Bucket(index: index)) }
        buckets[buckets.count - 1].counts[purpose, default: 0] += 1
        sums[purpose, default: 0] += 1
    }

    /// Drops what is older than the window. A clock that was set back leaves buckets of the future: they count as of now,
    /// so that they are not kept for longer than a day.
    mutating func forget(at now: Int64) {
        let index = now / Self.bucketSeconds
        while let last = buckets.last, last.index > index {
            buckets.removeLast()
            if let previous = buckets.last, previous.index >= index {
                buckets[buckets.count - 1].counts = previous.counts.merging(last.counts) { $0 + $1 }
            } else {
                buckets.append(Bucket(index: index, counts: last.counts))
            }
        }
        let gone = buckets.prefix { $0.end <= now }
        for bucket in gone {
            for (purpose, count) in bucket.counts { sums[purpose, default: 0] -= count }
        }
        buckets.removeFirst(gone.count)
    }

    /// When `count` calls of now will be forgotten; nil: there are not so many.
    func freed(_ count: Int) -> Int64? {
        var freed = 0
        for bucket in buckets {
            freed += bucket.total
            if freed >= count { return bucket.end }
        }
        return nil
    }

    /// Calls per second over the last hour and the quarter under way; nil: none.
    func perSecond(at now: Int64) -> Double? {
        let first = now / Self.bucketSeconds - 4
        let recent = buckets.drop { $0.index < first }
        guard let oldest = recent.first else { return nil }
        let count = recent.reduce(0) { $0 + $1.total }
        // A first quarter that has hardly begun would make a rush of any call.
        let seconds = max(now - oldest.index * Self.bucketSeconds, Self.bucketSeconds)
        return count == 0 ? nil : Double(count) / Double(seconds)
    }
}
