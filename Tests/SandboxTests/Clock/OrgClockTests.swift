import Testing

@testable import Sandbox

@Suite("The org's clock") struct OrgClockTests {
    private let machine = HandClock()
    private var clock: OrgClock { OrgClock(machine: { machine.now }) }

    @Test func itGoesWithTheMachine() {
        let clock = clock
        #expect(clock.now == machine.now)
        machine.advance(.seconds(5))
        #expect(clock.now == machine.now)
    }

    @Test func setAndAdvance() {
        let clock = clock
        #expect(clock.set(1_800_000_000_000))
        #expect(clock.now == 1_800_000_000_000)
        machine.advance(.seconds(1))
        #expect(clock.now == 1_800_000_001_000)
        #expect(clock.advance(72 * 3_600_000))
        #expect(clock.now == 1_800_259_201_000)
        #expect(clock.advance(-1_000))
        #expect(clock.now == 1_800_259_200_000)
    }

    @Test func frozenItStandsStill() {
        let clock = clock
        clock.freeze(true)
        let instant = clock.now
        machine.advance(.seconds(60))
        #expect(clock.now == instant)
        #expect(clock.advance(10))
        #expect(clock.now == instant + 10)
        clock.freeze(false)
        machine.advance(.seconds(1))
        #expect(clock.now == instant + 1_010)
    }

    @Test func outOfRangeChangesNothing() {
        let clock = clock
        let instant = clock.now
        #expect(!clock.set(OrgClock.range.lowerBound - 1))
        #expect(!clock.set(OrgClock.range.upperBound + 1))
        #expect(!clock.advance(.max))
        #expect(!clock.advance(.min))
        #expect(clock.now == instant)
    }
}
