import ChangeEvents
import Foundation
import Testing

@testable import Sandbox

struct OrgCountersTests {
    @Test func theyComeBackAsTheyWere() throws {
        var counters = OrgCounters(replay: 1_500_000, commit: 250_000_000_000)
        #expect(try OrgCounters(counters.bytes).bytes == counters.bytes)
        for _ in 0..<3 { _ = try counters.nextRecordID(prefix: "001", instance: "5g") }
        _ = try counters.nextRecordID(prefix: "a0B", instance: "5g")
        _ = counters.nextReplayID(skipping: 4)
        _ = counters.nextCommit(step: 9)
        counters.schemaVersion = 7
        var again = try OrgCounters(counters.bytes)
        // Without a number drawn, its lines are those that were read.
        #expect(again.bytes == counters.bytes)
        #expect(again.replay == counters.replay && again.commit == counters.commit && again.schemaVersion == 7)
        let next = try again.nextRecordID(prefix: "001", instance: "5g")
        let expected = try counters.nextRecordID(prefix: "001", instance: "5g")
        #expect(next == expected)
        #expect(try again.nextRecordID(prefix: "a0B", instance: "5g").string.hasPrefix("a0B5g0000000002"))
        #expect(Set(again.bytes.split(separator: 10)).count == 3)
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
        #expect(throws: SandboxError.self) {
            var counters = try OrgCounters(Array(text.utf8))
            _ = try counters.nextRecordID(prefix: "001", instance: "5g")
        }
    }
}
