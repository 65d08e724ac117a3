/// A day of the (proleptic) Gregorian calendar and its place on the millisecond line, without Foundation.
///
/// The arithmetic counts years from March, so that the leap day is the last of a year, in eras of 400 years (146,097
/// days).
package struct CalendarDay: Hashable, Sendable {
    package var year: Int
    package var month: Int
    package var day: Int

    package static let millisecondsPerDay: Int64 = 86_400_000

    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The UTC day of an instant.
    package init(milliseconds: Int64) {
        let days = Int(Self.startOfDay(milliseconds) / Self.millisecondsPerDay) + Self.daysFromEraStartTo1970
        let era = (days >= 0 ? days : days - (Self.daysPerEra - 1)) / Self.daysPerEra
        let dayOfEra = days - era * Self.daysPerEra
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// 00:00 UTC of the day, in milliseconds since 1970.
    package var milliseconds: Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = (yearFromMarch >= 0 ? yearFromMarch : yearFromMarch - 399) / 400
        let yearOfEra = yearFromMarch - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * Self.daysPerEra + dayOfEra - Self.daysFromEraStartTo1970) * Self.millisecondsPerDay
    }

    /// 00:00 UTC of the day of an instant. The first day that 64 bits hold begins before them: it begins with the first
    /// instant.
    package static func startOfDay(_ milliseconds: Int64) -> Int64 {
        let remainder = milliseconds % millisecondsPerDay
        let (start, isBefore) = milliseconds.subtractingReportingOverflow(
            remainder < 0 ? remainder + millisecondsPerDay : remainder)
        return isBefore ? .min : start
    }

    package static func daysInMonth(_ month: Int, year: Int) -> Int {
        switch month {
        case 2: (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static let daysPerEra = 146_097
    /// From 1 March of year 0 to 1 January 1970.
    private static let daysFromEraStartTo1970 = 719_468
}
