import CPushLoop

/// The one clock of a run, in microseconds: whatever is compared (arrivals, changes, the cut) is read from it, by any thread.
///
/// It is the monotonic clock. As time since 1970 it is the wall clock's at its first use and goes on from there, so that a wall
/// clock that is set in the middle of a run moves nothing.
enum RunClock {
    private static let offset = Int64(pushloop_wall_nanoseconds() / 1_000) - monotonic()

    static func monotonic() -> Int64 { Int64(pushloop_monotonic_nanoseconds() / 1_000) }

    /// Since 1970.
    static func now() -> Int64 { since1970(monotonic()) }

    /// Since 1970, of a reading of the monotonic clock.
    static func since1970(_ monotonic: Int64) -> Int64 { monotonic + offset }
}
