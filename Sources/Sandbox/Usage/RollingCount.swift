/// How often something happened in the last while, counted in buckets of equal width: a rolling window with the
/// precision of one bucket. Pure: the time comes in.
struct RollingCount: Sendable, Hashable {
    /// Milliseconds.
    let width: Int64
    let bucketsCounted: Int64
    /// By number of the bucket since 1970.
    private var counts: [Int64: Int] = [:]
    private(set) var total = 0
    private var oldest = Int64.max

    init(width: Int64, bucketsCounted: Int64) {
        self.width = width
        self.bucketsCounted = bucketsCounted
    }

    /// 24 hours in quarters of an hour.
    static let day = RollingCount(width: UsageLedger.quarter, bucketsCounted: 96)
    /// An hour in minutes.
    static let hour = RollingCount(width: 60_000, bucketsCounted: 60)

    mutating func add(_ count: Int, at now: Int64) {
        guard count != 0 else { return }
        let bucket = now / width
        counts[bucket, default: 0] += count
        total += count
        oldest = min(oldest, bucket)
        expire(now)
    }

    mutating func count(at now: Int64) -> Int {
        expire(now)
        return total
    }

    private mutating func expire(_ now: Int64) {
        let first = now / width - bucketsCounted + 1
        guard oldest < first else { return }
        for (bucket, count) in counts where bucket < first {
            total -= count
            counts[bucket] = nil
        }
        oldest = counts.keys.min() ?? .max
    }
}
