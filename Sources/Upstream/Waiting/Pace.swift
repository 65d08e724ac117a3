/// How long to stay away after a failure: the pauses between attempts, growing and spread at random so that many
/// clients of one org do not come back at the same instant.
struct Pace: Sendable, Hashable {
    /// The bound of the first pause; doubled by each further failure.
    let initial: Duration
    /// The bound of every pause.
    let max: Duration
    /// The part of the bound that is always waited; the rest is random. 0 is "full jitter".
    let fixedPart: Double

    /// The pause after the given number of failures before this one. `jitter` is a random number in 0..<1.
    func delay(failures: Int, jitter: Double) -> Duration {
        // 2^20 seconds are 12 days: past any bound, and far from overflowing.
        let bound = min(max, initial * (1 << min(Swift.max(failures, 0), 20)))
        return bound * (fixedPart + (1 - fixedPart) * jitter)
    }
}
