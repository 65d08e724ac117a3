/// Functions of dates and date-times, all in GMT: a blank argument gives a blank.
extension FormulaRun {
    static func dateFunction(_ function: FormulaFunction, _ arguments: [FormulaValue]) throws -> FormulaValue {
        if arguments.contains(where: \.isBlank) { return .blank }
        switch function {
        case .date:
            let parts = arguments.map { count($0) ?? 0 }
            return .date(try day(year: parts[0], month: parts[1], day: parts[2]))
        case .dateValue:
            switch arguments[0] {
            case .dateTime(let instant): return .date(day(of: instant))
            case .text(let text):
                guard let day = OrgTime.date(trimmed(text)) else {
                    throw FormulaEvaluationError.invalid("The text is not a date.")
                }
                return .date(day)
            default: return arguments[0]
            }
        case .dateTimeValue:
            switch arguments[0] {
            case .date(let day): return .dateTime(day)
            case .text(let text): return .dateTime(try instant(trimmed(text)))
            default: return arguments[0]
            }
        case .year, .month, .day, .weekday:
            guard case .date(let day) = arguments[0] else { return .blank }
            return .number(Double(part(function, of: day)))
        case .addMonths: return try monthsAdded(arguments[0], count(arguments[1]) ?? 0)
        default: preconditionFailure("\(function.rawValue) is no function of dates")
        }
    }

    /// Functions of times of day: a blank argument gives a blank.
    static func timeFunction(_ function: FormulaFunction, _ argument: FormulaValue) throws -> FormulaValue {
        if argument.isBlank { return .blank }
        let time: Int64
        switch argument {
        case .time(let value): time = value
        case .dateTime(let instant): time = timeOfDay(instant)
        case .text(let text):
            let trimmed = trimmed(text)
            // `11:30:00.000`, as documented; seconds and a Z at the end may be there or not.
            guard let value = OrgTime.time(trimmed) ?? OrgTime.time(trimmed + "Z") ?? OrgTime.time(trimmed + ":00Z")
            else {
                throw FormulaEvaluationError.invalid("The text is not a time.")
            }
            time = value
        case .blank, .boolean, .number, .date: return .blank
        }
        switch function {
        case .hour: return .number(Double(time / 3_600_000))
        case .minute: return .number(Double(time / 60_000 % 60))
        case .second: return .number(Double(time / 1_000 % 60))
        case .millisecond: return .number(Double(time % 1_000))
        default: return .time(time)
        }
    }

    /// Milliseconds since midnight.
    static func timeOfDay(_ instant: Int64) -> Int64 { instant - day(of: instant) }

    static func day(of instant: Int64) -> Int64 {
        let inDay = instant % OrgTime.millisecondsPerDay
        return instant - (inDay < 0 ? inDay + OrgTime.millisecondsPerDay : inDay)
    }

    /// `2026-02-17 04:03:15`, with `T` instead of the space and a zone at the end if need be; without one it is GMT.
    private static func instant(_ text: String) throws -> Int64 {
        let withT = text.replacing(" ", with: "T", maxReplacements: 1)
        guard let instant = OrgTime.dateTime(withT) ?? OrgTime.dateTime(withT + "Z") else {
            throw FormulaEvaluationError.invalid("The text is not a date and a time.")
        }
        return instant
    }

    /// Refuses days that do not exist; nothing is carried over into the next month.
    private static func day(year: Int, month: Int, day: Int) throws -> Int64 {
        guard (1...9_999).contains(year), (1...12).contains(month), (1...31).contains(day),
            let milliseconds = OrgTime.date("\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))")
        else { throw FormulaEvaluationError.invalid("There is no such day.") }
        return milliseconds
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func civil(_ day: Int64) -> (year: Int, month: Int, day: Int) {
        let parts = OrgTime.dateText(day).split(separator: "-").map { Int($0) ?? 0 }
        return (parts[0], parts[1], parts[2])
    }

    private static func part(_ function: FormulaFunction, of day: Int64) -> Int {
        let (year, month, dayOfMonth) = civil(day)
        switch function {
        case .year: return year
        case .month: return month
        case .day: return dayOfMonth
        default:
            // 1 is Sunday; 1970-01-01 was a Thursday.
            let days = (day / OrgTime.millisecondsPerDay + 4) % 7
            return Int((days + 7) % 7) + 1
        }
    }

    /// The last day of a month stays the last day of its month: 28 February plus one is 31 March. Other days stay what they are,
    /// or become the last of a shorter month.
    private static func monthsAdded(_ moment: FormulaValue, _ months: Int) throws -> FormulaValue {
        let instant: Int64
        switch moment {
        case .date(let day): instant = day
        case .dateTime(let value): instant = value
        default: return .blank
        }
        let start = day(of: instant)
        let (year, month, dayOfMonth) = civil(start)
        let isLast = civil(try checked(start + OrgTime.millisecondsPerDay)).day == 1
        let target = year * 12 + month - 1 + months
        guard (12..<120_000).contains(target) else {
            throw FormulaEvaluationError.invalid("The date is out of range.")
        }
        let wanted = isLast ? 31 : dayOfMonth
        let landed = (min(wanted, 28)...wanted).reversed().lazy.compactMap {
            OrgTime.date("\(padded(target / 12, 4))-\(padded(target % 12 + 1, 2))-\(padded($0, 2))")
        }.first
        guard let landed else { throw FormulaEvaluationError.invalid("The date is out of range.") }
        let moved = try checked(landed + instant - start)
        if case .date = moment { return .date(moved) }
        return .dateTime(moved)
    }
}
