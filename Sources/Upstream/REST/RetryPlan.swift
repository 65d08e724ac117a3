import NIOCore

/// What follows from the failures of one call: again with a new token, again after a pause, or no more. Pure.
struct RetryPlan: Sendable {
    enum Step: Sendable, Hashable {
        /// The token is refused: a new login, then again at once.
        case renewToken
        case pause(Duration)
        case fail
    }

    let timing: OrgAPI.Timing
    /// Whether doing it twice is the same as doing it once: reading, and creating a query job.
    let isRepeatable: Bool
    private(set) var failures = 0
    private var hasRenewed = false

    init(timing: OrgAPI.Timing, isRepeatable: Bool) {
        self.timing = timing
        self.isRepeatable = isRepeatable
    }

    /// `jitter` is a random number in 0..<1.
    mutating func next(after error: OrgAPIError, jitter: Double) -> Step {
        if error.code == .sessionRefused {
            // Whatever it is, the org has not done it: not even a write is done twice.
            guard !hasRenewed else { return .fail }
            hasRenewed = true
            return .renewToken
        }
        guard isRepeatable else { return .fail }
        let pace: Pace
        switch error.code {
        case .unavailable, .timedOut: pace = timing.retryPace
        case .busy: pace = timing.busyPace
        default: return .fail
        }
        guard failures + 1 < timing.attemptsMax else { return .fail }
        let pause = pace.delay(failures: failures, jitter: jitter)
        failures += 1
        // What the org asks for, within reason: a day of silence is a failure that the caller should see.
        guard let wanted = error.retryAfter else { return .pause(pause) }
        return wanted <= timing.retryAfterMax ? .pause(max(pause, wanted)) : .fail
    }

    /// Something has been read since: the next failure is a first one.
    mutating func hasProgressed() {
        failures = 0
        hasRenewed = false
    }
}
