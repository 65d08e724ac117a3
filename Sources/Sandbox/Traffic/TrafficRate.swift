/// How much happens in how much time: `50/s`, `90/min`, `2000/h`.
public struct TrafficRate: Sendable, Hashable {
    /// What one process can keep up with on any machine is far less; this only keeps the arithmetic in range.
    static let perSecondMax = 100_000.0
    /// Once in eleven days; so that the time between two fits as well.
    static let perSecondMin = 1e-6

    public let perSecond: Double

    /// Nil for what is no rate, or none that is possible.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = FormulaNumber.parse(parts[0]), count > 0 else { return nil }
        let seconds: Double? =
            switch parts[1] {
            case "s", "sec": 1
            case "m", "min": 60
            case "h": 3_600
            default: nil
            }
        guard let seconds, (Self.perSecondMin...Self.perSecondMax).contains(count / seconds) else { return nil }
        perSecond = count / seconds
    }
}

/// Spreads actions evenly in time. Pure: the time comes in.
///
/// Whoever falls behind catches up a little (so that the rate holds in spite of a timer's grain), but never with a burst: what is
/// more than `catchUpMax` late is dropped.
struct TrafficPace {
    /// The most that one look may find due, as time.
    static let catchUpMax = Duration.milliseconds(100)
    /// Timers are not asked for less.
    static let waitMin = Duration.milliseconds(5)

    private let interval: Duration
    private var next: Duration

    /// - Parameter now: on any clock that goes on, as in `due(now:)`.
    init(_ rate: TrafficRate, now: Duration) {
        interval = .nanoseconds(Int64(1_000_000_000 / rate.perSecond))
        next = now + interval
    }

    /// How many actions are due, and how long to wait before the next look.
    mutating func due(now: Duration) -> (count: Int, wait: Duration) {
        // A slow rate's interval is longer than the bound: then one action is the most.
        let earliest = now - max(Self.catchUpMax, interval)
        if next < earliest { next = earliest }
        var count = 0
        while next <= now {
            count += 1
            next += interval
        }
        return (count, max(Self.waitMin, next - now))
    }
}
