/// When the issuer's keys are fetched next: regularly, soon after a failure, and early when a token named an unknown key.
///
/// A pure value; time and chance come in as arguments. Owned by `JWKSRefresher.run`.
struct RefreshSchedule: Sendable {
    /// How often, and how soon again.
    struct Timing: Sendable {
        /// Issuers publish a key some time before they sign with it, and withdraw one rarely.
        var interval = Duration.seconds(600)
        /// Between two fetches that unknown keys caused: anybody can make up a key id.
        var missInterval = Duration.seconds(30)
        /// After the first failure; doubled with every further one.
        var retryDelayMin = Duration.seconds(1)
        var retryDelayMax = Duration.seconds(60)
    }

    typealias Instant = ContinuousClock.Instant

    let timing: Timing
    /// The next fetch begins now or then.
    private(set) var due: Instant
    private(set) var failureCount = 0
    /// The end of the time in which an unknown key causes no fetch.
    private var missesCountFrom: Instant

    init(timing: Timing, now: Instant) {
        self.timing = timing
        due = now
        missesCountFrom = now
    }

    mutating func fetchSucceeded(at now: Instant) {
        failureCount = 0
        due = now + timing.interval
    }

    /// - Parameter chance: 0 to 1; spreads those who failed together over half of the delay.
    mutating func fetchFailed(at now: Instant, chance: Double) {
        var delay = timing.retryDelayMin
        for _ in 0..<failureCount where delay < timing.retryDelayMax { delay *= 2 }
        failureCount += 1
        due = now + min(delay, timing.retryDelayMax) * (0.5 + 0.5 * chance)
    }

    mutating func keyMissed(at now: Instant) {
        let next = max(now, missesCountFrom)
        guard next < due else { return }
        due = next
        missesCountFrom = next + timing.missInterval
    }
}
