import CrashPoints
import Testing

/// What `MILLRACE_CRASH_AT` may say, and when it strikes. That the process dies by it, `scripts/torture` shows.
struct CrashPointTests {
    @Test(arguments: [("store.commit.before:3", 3), ("store.commit.before", 1)])
    func aPlaceAndWhichTimeAreRead(text: String, time: Int) throws {
        let armed = try #require(ArmedCrash(text))
        #expect(armed.point == .commitBefore)
        #expect(armed.time == time)
    }

    @Test(arguments: [
        "", "store.commit", "store.commit.before:", "store.commit.before:0", "store.commit.before:1:1", ":1",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(ArmedCrash(text) == nil)
    }

    @Test func itStrikesOnceAtItsPlaceAndTime() throws {
        let armed = try #require(ArmedCrash("log.append.after:2"))
        #expect(!armed.isTime(.appendAfter))
        #expect(!armed.isTime(.appendBefore))
        #expect(armed.isTime(.appendAfter))
        #expect(!armed.isTime(.appendAfter))
    }

    @Test func placesHaveNamesOfTheirOwn() {
        #expect(CrashPoint.allCases.allSatisfy { ArmedCrash($0.rawValue)?.point == $0 })
    }
}
