import Histogram

/// How long something took, many times: a high dynamic range histogram of microseconds, three digits exact.
struct Durations: Sendable {
    /// An hour; what takes longer counts as that.
    static let microsecondsMax: UInt64 = 3_600_000_000

    private var histogram = Histogram<UInt64>(highestTrackableValue: microsecondsMax)
    /// Below zero: the clocks do not agree. They count as zero.
    private(set) var negativeCount: UInt64 = 0
    private(set) var lowest: Int64 = .max

    var count: UInt64 { histogram.totalCount }
    var mean: Double { count == 0 ? 0 : histogram.mean }
    /// In microseconds.
    var max: UInt64 { count == 0 ? 0 : histogram.maxRecorded }

    mutating func record(_ microseconds: Int64) {
        if microseconds < 0 { negativeCount += 1 }
        lowest = min(lowest, microseconds)
        histogram.record(min(UInt64(clamping: microseconds), Self.microsecondsMax))
    }

    mutating func add(_ other: Durations) {
        histogram.add(other.histogram)
        negativeCount += other.negativeCount
        lowest = min(lowest, other.lowest)
    }

    /// In microseconds; 0 where nothing was recorded.
    func percentile(_ percent: Double) -> UInt64 {
        // The histogram answers the upper end of a bucket, which may lie past what was recorded.
        count == 0 ? 0 : min(histogram.valueAtPercentile(percent), max)
    }
}
