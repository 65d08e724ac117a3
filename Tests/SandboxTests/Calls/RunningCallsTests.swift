import Testing

@testable import Sandbox

/// Long calls: section 7.7 of the protocol facts.
struct RunningCallsTests {
    @Test func aCallIsLongAfterTwentySeconds() {
        var calls = RunningCalls()
        for number in 0..<5 { calls.begin("\(number)", at: Int64(number)) }
        #expect(!calls.hasLong(1, now: RunningCalls.longAfter))
        #expect(calls.hasLong(1, now: RunningCalls.longAfter + 1) && !calls.hasLong(2, now: RunningCalls.longAfter + 1))
        #expect(calls.hasLong(5, now: RunningCalls.longAfter * 2))
        calls.end("3")
        calls.end("unknown")
        #expect(!calls.hasLong(5, now: RunningCalls.longAfter * 2) && calls.hasLong(4, now: RunningCalls.longAfter * 2))
    }
}
