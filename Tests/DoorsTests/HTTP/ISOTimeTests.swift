import Testing

@testable import Doors

struct ISOTimeTests {
    /// Half of all milliseconds came out one less.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_474_055_127_001, "2016-09-16T19:45:27.001Z"), (1_474_055_127_454, "2016-09-16T19:45:27.454Z"),
            (1_771_300_995_999, "2026-02-17T04:03:15.999Z"), (1_771_300_995_000, "2026-02-17T04:03:15.000Z"),
        ] as [(Int64, String)])
    func everyMillisecondStays(milliseconds: Int64, text: String) {
        #expect(ISOTime.text(milliseconds) == text)
    }

    @Test func jobsKnowWholeSeconds() {
        #expect(BulkTime.json(1_771_300_995_999) == "2026-02-17T04:03:15.000+0000")
        #expect(BulkTime.xml(1_771_300_995_999) == "2026-02-17T04:03:15.000Z")
    }
}
