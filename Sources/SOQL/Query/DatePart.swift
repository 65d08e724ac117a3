/// The date functions of SOQL. The numbers stand in SQL text and never change.
package enum DatePart: Int, CaseIterable, Sendable {
    case calendarYear = 1
    case calendarQuarter = 2
    case calendarMonth = 3
    case dayInMonth = 4
    case dayInWeek = 5
    case dayInYear = 6
    /// Answers a date.
    case dayOnly = 7
    case hourInDay = 8
    case weekInMonth = 9
    case weekInYear = 10

    /// The fiscal year begins in January here, so that fiscal and calendar parts are the same.
    package init?(function: String) {
        switch function.uppercased() {
        case "CALENDAR_YEAR", "FISCAL_YEAR": self = .calendarYear
        case "CALENDAR_QUARTER", "FISCAL_QUARTER": self = .calendarQuarter
        case "CALENDAR_MONTH", "FISCAL_MONTH": self = .calendarMonth
        case "DAY_IN_MONTH": self = .dayInMonth
        case "DAY_IN_WEEK": self = .dayInWeek
        case "DAY_IN_YEAR": self = .dayInYear
        case "DAY_ONLY": self = .dayOnly
        case "HOUR_IN_DAY": self = .hourInDay
        case "WEEK_IN_MONTH": self = .weekInMonth
        case "WEEK_IN_YEAR": self = .weekInYear
        default: return nil
        }
    }

    /// Of an instant in milliseconds since 1970, in UTC. Weeks begin on the first day of the month or year, as Salesforce
    /// counts them; Sunday is day 1.
    package func value(of milliseconds: Int64) -> Int64 {
        let start = CalendarDay.startOfDay(milliseconds)
        let day = CalendarDay(milliseconds: milliseconds)
        let dayInYear =
            (start - CalendarDay(year: day.year, month: 1, day: 1).milliseconds) / CalendarDay.millisecondsPerDay + 1
        switch self {
        case .calendarYear: return Int64(day.year)
        case .calendarQuarter: return Int64((day.month - 1) / 3 + 1)
        case .calendarMonth: return Int64(day.month)
        case .dayInMonth: return Int64(day.day)
        case .dayInWeek: return ((start / CalendarDay.millisecondsPerDay + 4) % 7 + 7) % 7 + 1
        case .dayInYear: return dayInYear
        case .dayOnly: return start
        case .hourInDay: return (milliseconds - start) / 3_600_000
        case .weekInMonth: return Int64((day.day - 1) / 7 + 1)
        case .weekInYear: return (dayInYear - 1) / 7 + 1
        }
    }
}
