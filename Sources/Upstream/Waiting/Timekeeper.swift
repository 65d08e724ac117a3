/// The clock of one Upstream, with its type erased: time as a duration since the start, and sleeping.
///
/// Pure state machines take `now` from here, tests move the clock by hand.
struct Timekeeper: Sendable {
    private let elapsed: @Sendable () -> Duration
    private let pause: @Sendable (Duration) async throws -> Void

    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        pause = { duration in try await clock.sleep(for: duration) }
    }

    /// Time since this timekeeper was made.
    var now: Duration { elapsed() }

    /// Throws `CancellationError` when the task is cancelled, and nothing else.
    func sleep(for duration: Duration) async throws {
        guard duration > .zero else { return try Task.checkCancellation() }
        try await pause(duration)
    }
}
