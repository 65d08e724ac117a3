/// A month of the Gregorian calendar, in UTC: what an org counts by first.
public struct CalendarMonth: Sendable, Hashable, Comparable {
    public var year: Int
    /// 1 to 12.
    public var month: Int

    public init(year: Int, month: Int) {
        self.year = year
        self.month = month
    }

    /// The month of an hour since 1970.
    public init(hour: Int64) {
        let day = hour >= 0 ? hour / 24 : -((23 - hour) / 24)
        // Days are counted from a first of March, so that a leap day is the last of its year.
        let shifted = day + 719_468
        let era = shifted >= 0 ? shifted / 146_097 : -((146_096 - shifted) / 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let march = (5 * (dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)) + 2) / 153
        month = Int(march < 10 ? march + 3 : march - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    /// Days from 1970-01-01 to a day of the month.
    public func dayNumber(_ day: Int) -> Int64 {
        let year = Int64(month <= 2 ? self.year - 1 : self.year)
        let era = year >= 0 ? year / 400 : -((399 - year) / 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * Int64(month > 2 ? month - 3 : month + 9) + 2) / 5 + Int64(day) - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public var next: CalendarMonth {
        month == 12 ? CalendarMonth(year: year + 1, month: 1) : CalendarMonth(year: year, month: month + 1)
    }

    /// Its hours since 1970.
    public var hours: Range<Int64> { dayNumber(1) * 24..<next.dayNumber(1) * 24 }

    public static func < (left: CalendarMonth, right: CalendarMonth) -> Bool {
        (left.year, left.month) < (right.year, right.month)
    }
}
