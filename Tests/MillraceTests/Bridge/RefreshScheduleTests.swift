import Testing

@testable import millrace

/// When the issuer's keys are fetched, by hand-moved time.
struct RefreshScheduleTests {
    private let start = ContinuousClock.now
    private let timing = RefreshSchedule.Timing()

    private func at(_ seconds: Double) -> RefreshSchedule.Instant { start + .seconds(seconds) }

    @Test func fetchesAtStartAndThenRegularly() {
        var schedule = RefreshSchedule(timing: timing, now: start)
        #expect(schedule.due == start)
        schedule.fetchSucceeded(at: at(1))
        #expect(schedule.due == at(601))
    }

    @Test func failuresAreRetriedLaterAndLater() {
        var schedule = RefreshSchedule(timing: timing, now: start)
        for delay in [1.0, 2, 4, 8, 16, 32, 60, 60, 60] {
            schedule.fetchFailed(at: start, chance: 1)
            #expect(schedule.due == at(delay))
        }
        schedule.fetchFailed(at: start, chance: 0)
        #expect(schedule.due == at(30), "chance takes half of the delay at most")
        schedule.fetchSucceeded(at: start)
        schedule.fetchFailed(at: start, chance: 1)
        #expect(schedule.due == at(1), "a success forgets the failures")
    }

    @Test func anUnknownKeyFetchesAtOnceButNotOften() {
        var schedule = RefreshSchedule(timing: timing, now: start)
        schedule.fetchSucceeded(at: start)
        schedule.keyMissed(at: at(5))
        #expect(schedule.due == at(5))
        schedule.fetchSucceeded(at: at(6))
        schedule.keyMissed(at: at(7))
        #expect(schedule.due == at(35))
        schedule.keyMissed(at: at(8))
        #expect(schedule.due == at(35))
        schedule.fetchSucceeded(at: at(35))
        schedule.keyMissed(at: at(64))
        #expect(schedule.due == at(65))
        schedule.fetchSucceeded(at: at(66))
        schedule.keyMissed(at: at(200))
        #expect(schedule.due == at(200))
    }

    @Test func anUnknownKeyNeverDelaysWhatIsDueEarlier() {
        var schedule = RefreshSchedule(timing: timing, now: start)
        schedule.keyMissed(at: start)
        schedule.fetchFailed(at: start, chance: 1)
        schedule.keyMissed(at: at(2))
        #expect(schedule.due == at(1))
    }
}
