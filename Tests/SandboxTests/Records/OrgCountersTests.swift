import Foundation
import Testing

@testable import Sandbox

struct OrgCountersTests {
    @Test func theyComeBackAsTheyWere() throws {
        var counters = OrgCounters(replay: 1_500_000, commit: 250_000_000_000)
        #expect(OrgCounters(counters.bytes) == counters)
        for _ in 0..<3 { _ = try counters.nextRecordID(prefix: "001", instance: "5g") }
        _ = try counters.nextRecordID(prefix: "a0B", instance: "5g")
        _ = counters.nextReplayID(skipping: 4)
        _ = counters.nextCommit(step: 9)
        counters.schemaVersion = 7
        let read = try #require(OrgCounters(counters.bytes))
        #expect(read == counters)
        var again = read
        let next = try again.nextRecordID(prefix: "001", instance: "5g")
        let expected = try counters.nextRecordID(prefix: "001", instance: "5g")
        #expect(next == expected)
    }

    @Test func storesOfBeforeAreRead() throws {
        let counters = OrgCounters(replay: 1, commit: 2)
        let json = [UInt8](try JSONEncoder().encode(counters))
        #expect(OrgCounters(json) == nil)
    }

    @Test func base62ReadsWhatItWrites() {
        for number in [0, 1, 61, 62, 3_843, UInt64(UInt32.max), .max - 1, .max] {
            #expect(Base62.number(Base62.text(number, width: 11)[...]) == number)
        }
    }

    /// A locator is what a stranger sends: one that is a number too large once ended the process.
    @Test(arguments: [
        // The first number that 64 bits do not hold, by its sum and by its product; and one that is longer.
        "LygHa16AHYG", "M0000000000", "zzzzzzzzzzz", "100000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    ])
    func base62NumbersBeyond64BitsAreNone(text: String) {
        #expect(Base62.number(text[...]) == nil)
    }

    @Test(arguments: ["-1", "a b", "ä", "1_1"])
    func whatIsNoBase62Number(text: String) {
        #expect(Base62.number(text[...]) == nil)
    }

    @Test(arguments: [
        "", "1", "1 2 3", "2 1 1 -", "1 x 1 -", "1 1 1 x", "1 1 1 -\nr001", "1 1 1 -\nx001 1", "1 1 1 -\nr001 y",
    ])
    func whatIsNoneOfThem(text: String) {
        #expect(OrgCounters(Array(text.utf8)) == nil)
    }
}
