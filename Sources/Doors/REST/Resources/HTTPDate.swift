/// Dates as HTTP writes them: `Tue, 17 Feb 2026 04:03:15 GMT`. Milliseconds since 1970 inside.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let secondsPerDay: Int64 = 86_400

    static func text(_ milliseconds: Int64) -> String {
        let seconds = floor(milliseconds, 1_000)
        let day = floor(seconds, secondsPerDay)
        let inDay = seconds - day * secondsPerDay
        let date = civil(day)
        let weekday = days[Int((day % 7 + 7) % 7)]
        return "\(weekday), \(padded(date.day)) \(months[Int(date.month) - 1]) \(date.year) "
            + "\(padded(inDay / 3_600)):\(padded(inDay / 60 % 60)):\(padded(inDay % 60)) GMT"
    }

    /// Nil for what is no such date. `GMT`, `UTC` and offsets like `+0100` are zones; the day's name is not looked at.
    static func milliseconds(_ text: String) -> Int64? {
        var words = text.split(separator: " ")
        if let first = words.first, first.hasSuffix(",") { words.removeFirst() }
        guard words.count == 5, let day = Int64(words[0]), let month = months.firstIndex(of: String(words[1])),
            let year = Int64(words[2]), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = words[3].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]),
            let zone = zoneSeconds(words[4])
        else { return nil }
        let number = Self.dayNumber(year: year, month: Int64(month) + 1, day: day)
        guard civil(number) == (year, Int64(month) + 1, day) else { return nil }
        return (number * secondsPerDay + clock[0] * 3_600 + clock[1] * 60 + clock[2] - zone) * 1_000
    }

    private static func zoneSeconds(_ text: Substring) -> Int64? {
        if ["GMT", "UTC", "Z"].contains(text) { return 0 }
        guard text.utf8.count == 5, let sign = text.first, sign == "+" || sign == "-",
            let digits = Int64(text.dropFirst()), digits >= 0
        else { return nil }
        return (digits / 100 * 3_600 + digits % 100 * 60) * (sign == "-" ? -1 : 1)
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// Days since 1970-01-01, counted in years that begin with March.
    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floor(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floor(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
