@testable import SOQL
import Testing

/// The spans of the relative dates, as the documentation of SOQL defines them.
@Suite struct RelativeDateTests {
    /// Wednesday, 2026-02-18T10:30:00Z.
    private static let now: Int64 = 1_771_410_600_000

    private static func day(_ text: String) -> Int64 {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        return CalendarDay(year: parts[0], month: parts[1], day: parts[2]).milliseconds
    }

    @Test(
        arguments: [
            ("TODAY", nil, "2026-02-18", "2026-02-19"), ("YESTERDAY", nil, "2026-02-17", "2026-02-18"),
            ("TOMORROW", nil, "2026-02-19", "2026-02-20"), ("LAST_WEEK", nil, "2026-02-08", "2026-02-15"),
            ("THIS_WEEK", nil, "2026-02-15", "2026-02-22"), ("NEXT_WEEK", nil, "2026-02-22", "2026-03-01"),
            ("LAST_MONTH", nil, "2026-01-01", "2026-02-01"), ("THIS_MONTH", nil, "2026-02-01", "2026-03-01"),
            ("NEXT_MONTH", nil, "2026-03-01", "2026-04-01"), ("LAST_90_DAYS", nil, "2025-11-20", "2026-02-19"),
            ("NEXT_90_DAYS", nil, "2026-02-19", "2026-05-20"), ("THIS_QUARTER", nil, "2026-01-01", "2026-04-01"),
            ("LAST_QUARTER", nil, "2025-10-01", "2026-01-01"), ("NEXT_QUARTER", nil, "2026-04-01", "2026-07-01"),
            ("THIS_YEAR", nil, "2026-01-01", "2027-01-01"), ("LAST_YEAR", nil, "2025-01-01", "2026-01-01"),
            ("NEXT_YEAR", nil, "2027-01-01", "2028-01-01"), ("THIS_FISCAL_QUARTER", nil, "2026-01-01", "2026-04-01"),
            ("LAST_FISCAL_YEAR", nil, "2025-01-01", "2026-01-01"), ("last_n_days", 7, "2026-02-11", "2026-02-19"),
            ("LAST_N_DAYS", 0, "2026-02-18", "2026-02-19"), ("NEXT_N_DAYS", 3, "2026-02-19", "2026-02-22"),
            ("N_DAYS_AGO", 3, "2026-02-15", "2026-02-16"), ("LAST_N_WEEKS", 2, "2026-02-01", "2026-02-15"),
            ("NEXT_N_WEEKS", 2, "2026-02-22", "2026-03-08"), ("N_WEEKS_AGO", 1, "2026-02-08", "2026-02-15"),
            ("LAST_N_MONTHS", 3, "2025-11-01", "2026-02-01"), ("NEXT_N_MONTHS", 11, "2026-03-01", "2027-02-01"),
            ("N_MONTHS_AGO", 2, "2025-12-01", "2026-01-01"), ("LAST_N_QUARTERS", 5, "2024-10-01", "2026-01-01"),
            ("N_QUARTERS_AGO", 1, "2025-10-01", "2026-01-01"), ("LAST_N_YEARS", 2, "2024-01-01", "2026-01-01"),
            ("N_YEARS_AGO", 1, "2025-01-01", "2026-01-01"), ("NEXT_N_FISCAL_QUARTERS", 1, "2026-04-01", "2026-07-01"),
            ("N_FISCAL_YEARS_AGO", 2, "2024-01-01", "2025-01-01"),
            ("THIS_FISCAL_YEAR", nil, "2026-01-01", "2027-01-01"),
            ("NEXT_FISCAL_YEAR", nil, "2027-01-01", "2028-01-01"),
            ("LAST_FISCAL_QUARTER", nil, "2025-10-01", "2026-01-01"),
            ("NEXT_FISCAL_QUARTER", nil, "2026-04-01", "2026-07-01"),
            ("NEXT_N_QUARTERS", 3, "2026-04-01", "2027-01-01"), ("NEXT_N_YEARS", 2, "2027-01-01", "2029-01-01"),
            ("LAST_N_FISCAL_QUARTERS", 2, "2025-07-01", "2026-01-01"),
            ("N_FISCAL_QUARTERS_AGO", 2, "2025-07-01", "2025-10-01"),
            ("NEXT_N_FISCAL_YEARS", 1, "2027-01-01", "2028-01-01"),
            ("LAST_N_FISCAL_YEARS", 3, "2023-01-01", "2026-01-01"),
        ] as [(String, Int?, String, String)])
    func spanIsThatOfTheDocumentation(_ name: String, _ count: Int?, _ start: String, _ end: String) throws {
        let span = try #require(RelativeDate(name, count: count)).span(now: Self.now)
        #expect(span == Self.day(start)..<Self.day(end), "\(name) \(CalendarDay(milliseconds: span.lowerBound))")
    }

    @Test func spansHoldBefore1970AsWell() throws {
        // Sunday, 1969-12-28, and the day after.
        let sunday = Self.day("1969-12-28")
        for now in [sunday, sunday + 86_400_000 * 6] {
            let week = try #require(RelativeDate("THIS_WEEK", count: nil)).span(now: now)
            #expect(week.lowerBound == sunday)
        }
    }

    @Test(
        arguments: [
            ("TODAY", 1), ("LAST_N_DAYS", nil), ("LAST_DAY", nil), ("N_DAYS", 3), ("THIS_DAY", nil), ("LAST_N_", 1),
        ]
            as [(String, Int?)])
    func whatIsNoRelativeDateIsNone(_ name: String, _ count: Int?) {
        #expect(RelativeDate(name, count: count) == nil)
    }

    @Test func partsOfADateAreThoseOfTheCalendar() {
        let instant = Self.now
        let parts = DatePart.allCases.map { $0.value(of: instant) }
        #expect(parts == [2026, 1, 2, 18, 4, 49, Self.day("2026-02-18"), 10, 3, 7])
        #expect(DatePart.dayInWeek.value(of: Self.day("1969-12-28")) == 1)
        #expect(DatePart.dayInYear.value(of: Self.day("2024-12-31")) == 366)
        #expect(DatePart.calendarYear.value(of: -1) == 1969)
    }
}
