internal import Synchronization

/// How often an observed value fell at or below each of a few fixed bounds, with the sum: latencies, sizes.
///
/// Observing takes a lock for a few additions. On a loop that cannot afford that, count in a plain `Histogram.Snapshot` of
/// the loop's own and report it by `MetricsRegistry.collect`.
public final class Histogram: Sendable {
    /// What a histogram holds at one moment.
    public struct Snapshot: Sendable, Hashable {
        /// Upper bounds, increasing, without the last one (`+Inf`).
        public let bounds: [Double]
        /// Observations per bucket (not cumulative); one more than `bounds`.
        public private(set) var counts: [UInt64]
        public private(set) var sum: Double

        public init(bounds: [Double]) {
            precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds must increase")
            self.bounds = bounds
            counts = [UInt64](repeating: 0, count: bounds.count + 1)
            sum = 0
        }

        public mutating func observe(_ value: Double, times: Int = 1) {
            precondition(times >= 0, "a histogram never forgets")
            var low = 0
            var high = bounds.count
            while low < high {
                let middle = (low + high) / 2
                if value <= bounds[middle] { high = middle } else { low = middle + 1 }
            }
            counts[low] += UInt64(times)
            sum += value * Double(times)
        }

        public var count: UInt64 { counts.reduce(0, +) }

        /// An upper estimate of a quantile: the bound of the bucket in which it lies; nil for no observations.
        public func quantile(_ quantile: Double) -> Double? {
            let total = count
            guard total > 0 else { return nil }
            let rank = quantile * Double(total)
            var seen: UInt64 = 0
            for (index, bucket) in counts.enumerated() {
                seen += bucket
                if Double(seen) >= rank { return index < bounds.count ? bounds[index] : .infinity }
            }
            return .infinity
        }
    }

    /// 0.1 ms to 60 s: what network and disk take.
    public static let latencySecondsBounds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private let state: Mutex<Snapshot>

    init(bounds: [Double]) {
        state = Mutex(Snapshot(bounds: bounds))
    }

    public func observe(_ value: Double, times: Int = 1) {
        state.withLock { $0.observe(value, times: times) }
    }

    /// Observes a time in seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    public var snapshot: Snapshot { state.withLock { $0 } }
}
