import Testing

@testable import Sandbox

struct OrgTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000+0000", Int64(0)), ("2026-02-17T04:03:15.000+0000", 1_771_300_995_000),
        ("2000-02-29T23:59:59.000+0000", 951_868_799_000), ("1969-12-31T23:59:59.000+0000", -1_000),
        ("1900-03-01T00:00:00.000+0000", -2_203_891_200_000),
    ])
    func dateTimesComeBack(text: String, milliseconds: Int64) {
        #expect(OrgTime.dateTimeText(milliseconds) == text)
        #expect(OrgTime.dateTime(text) == milliseconds)
    }

    @Test(arguments: [
        "2026-02-17T04:03:15Z", "2026-02-17T04:03:15.999Z", "2026-02-17T05:03:15+01:00", "2026-02-16T20:03:15-0800",
    ])
    func inputsMayNameTheirZoneAndLoseTheirFraction(text: String) {
        #expect(OrgTime.dateTime(text) == 1_771_300_995_000)
    }

    @Test(arguments: [
        "", "T", "2026-02-17", "2026-02-17 04:03:15", "2026-02-17T04:03:15", "2026-02-17T24:00:00Z",
        "2026-02-17T04:60:00Z",
        "2026-02-29T00:00:00Z", "2026-02-17T04:03:15.Z", "2026-02-17T04:03:15+1", "2026-02-17T4:03:15Z",
        "9-02-17T04:03:15Z",
        "2026-02-17T04:03:15.1.2Z", "２０２６-02-17T04:03:15Z",
    ])
    func otherTextIsNoDateTime(text: String) {
        #expect(OrgTime.dateTime(text) == nil)
    }

    /// Every day of 400 years goes to text and back.
    @Test func everyDayComesBack() {
        let lost = (Int64(-70_000)...80_000).first { day in
            let milliseconds = day * OrgTime.millisecondsPerDay
            return OrgTime.date(OrgTime.dateText(milliseconds)) != milliseconds
        }
        #expect(lost == nil)
    }

    @Test func secondsAreWholeBeforeTheEpochToo() {
        #expect(OrgTime.wholeSeconds(1_999) == 1_000)
        #expect(OrgTime.wholeSeconds(-1) == -1_000)
    }
}
