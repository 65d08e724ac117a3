/// Dates and date-times as the REST API writes and reads them. Milliseconds since 1970 inside.
enum OrgTime {
    static let millisecondsPerSecond: Int64 = 1_000
    static let millisecondsPerDay: Int64 = 86_400_000

    /// The org's clock has whole seconds.
    static func wholeSeconds(_ milliseconds: Int64) -> Int64 {
        milliseconds - floorModulo(milliseconds, millisecondsPerSecond)
    }

    /// 00:00 UTC of the day.
    static func day(of milliseconds: Int64) -> Int64 { milliseconds - floorModulo(milliseconds, millisecondsPerDay) }

    /// The last day of the quarter.
    static func endOfQuarter(of milliseconds: Int64) -> Int64 {
        let (year, month, _) = civil(days: day(of: milliseconds) / millisecondsPerDay)
        let next = (month - 1) / 3 * 3 + 4
        let first = next > 12 ? days(year: year + 1, month: 1, day: 1) : days(year: year, month: next, day: 1)
        return (first - 1) * millisecondsPerDay
    }

    /// `2026-02-17T04:03:15.000+0000`
    static func dateTimeText(_ milliseconds: Int64) -> String {
        dateText(milliseconds) + "T" + clockText(milliseconds) + "+0000"
    }

    /// `04:03:15.000Z`
    static func timeText(_ milliseconds: Int64) -> String { clockText(milliseconds) + "Z" }

    private static func clockText(_ milliseconds: Int64) -> String {
        let inDay = floorModulo(milliseconds, millisecondsPerDay)
        let seconds = inDay / millisecondsPerSecond
        return padded(seconds / 3_600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "."
            + padded(inDay % millisecondsPerSecond, 3)
    }

    /// `2026-02-17`
    static func dateText(_ milliseconds: Int64) -> String {
        let days = (milliseconds - floorModulo(milliseconds, millisecondsPerDay)) / millisecondsPerDay
        let (year, month, day) = civil(days: days)
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
    }

    /// `YYYY-MM-DD`; nil for anything else, impossible days included.
    static func date(_ text: some StringProtocol) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            let year = digits(parts[0]), let month = digits(parts[1]), let day = digits(parts[2])
        else { return nil }
        guard (1...12).contains(month), day >= 1, year >= 1 else { return nil }
        let days = days(year: year, month: month, day: day)
        guard civil(days: days) == (year, month, day) else { return nil }
        return days * millisecondsPerDay
    }

    /// `YYYY-MM-DDThh:mm[:ss[.fff]]` and `Z`, `+hh:mm` or `+hhmm`; nil for anything else. The fraction is dropped: an
    /// org keeps whole seconds.
    static func dateTime(_ text: some StringProtocol) -> Int64? {
        guard let separator = text.firstIndex(of: "T"), let day = date(text[..<separator]) else { return nil }
        var clock = text[text.index(after: separator)...]
        var offset: Int64 = 0
        if clock.hasSuffix("Z") {
            clock = clock.dropLast()
        } else {
            guard let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
            let zone = String(clock[clock.index(after: sign)...].filter { $0 != ":" })
            guard zone.utf8.count == 4, let hours = digits(zone.prefix(2)), let minutes = digits(zone.suffix(2)),
                hours <= 15, minutes <= 59
            else { return nil }
            offset = (hours * 60 + minutes) * 60_000 * (clock[sign] == "-" ? -1 : 1)
            clock = clock[..<sign]
        }
        let pieces = clock.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = pieces.first, pieces.count <= 2 else { return nil }
        if pieces.count == 2 {
            guard (1...9).contains(pieces[1].utf8.count), digits(pieces[1]) != nil else { return nil }
        }
        let fields = whole.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count == 2 || (fields.count == 3), fields.allSatisfy({ $0.utf8.count == 2 }),
            let hour = digits(fields[0]), let minute = digits(fields[1]),
            let second = fields.count == 3 ? digits(fields[2]) : 0,
            hour <= 23, minute <= 59, second <= 59
        else { return nil }
        return day + (hour * 3_600 + minute * 60 + second) * millisecondsPerSecond - offset
    }

    /// `hh:mm:ss[.fff]` and perhaps a `Z`, since midnight UTC; nil for anything else.
    static func time(_ text: some StringProtocol) -> Int64? {
        let text = text.hasSuffix("Z") ? String(text.dropLast()) : String(text)
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = pieces.first, pieces.count <= 2, let base = dateTime("1970-01-01T\(whole)Z") else {
            return nil
        }
        guard pieces.count == 2 else { return base }
        guard (1...3).contains(pieces[1].utf8.count), let fraction = digits(pieces[1]) else { return nil }
        return base + fraction * [100, 10, 1][pieces[1].utf8.count - 1]
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar, from March-based years.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func floorModulo(_ value: Int64, _ modulus: Int64) -> Int64 {
        let remainder = value % modulus
        return remainder < 0 ? remainder + modulus : remainder
    }

    private static func digits(_ text: some StringProtocol) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
