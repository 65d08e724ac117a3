/// Dates and times as Salesforce's APIs write them, without Foundation's formatters: a snapshot reads millions.
///
/// Reads `2026-02-17`, `2026-02-17T04:03:15.000+0000` (JSON), `2026-02-17T04:03:15.000Z` (CSV), offsets with and without
/// colon, and `04:03:15.000Z`.
public enum OrgTime {
    private static let dayMilliseconds: Int64 = 86_400_000

    /// Milliseconds since 1970 of the day's midnight UTC.
    public static func date(_ text: some Collection<UInt8>) -> Int64? {
        var scanner = Scanner(text)
        guard let day = scanner.day(), scanner.isAtEnd else { return nil }
        return day * dayMilliseconds
    }

    /// Milliseconds since 1970. A text without a zone is UTC.
    public static func dateTime(_ text: some Collection<UInt8>) -> Int64? {
        var scanner = Scanner(text)
        guard let day = scanner.day(), scanner.take(UInt8(ascii: "T")) else { return nil }
        guard let clock = scanner.clock(), let zone = scanner.zone(), scanner.isAtEnd else { return nil }
        return day * dayMilliseconds + clock - zone
    }

    /// Milliseconds since midnight UTC.
    static func time(_ text: some Collection<UInt8>) -> Int64? {
        var scanner = Scanner(text)
        guard let clock = scanner.clock(), let zone = scanner.zone(), zone == 0, scanner.isAtEnd else { return nil }
        return clock
    }

    /// `2026-02-17T04:03:15Z`
    public static func text(seconds: Int64) -> String {
        let day = floor(seconds, 86_400)
        let inDay = seconds - day * 86_400
        let date = civil(day)
        return "\(date.year)-\(padded(date.month))-\(padded(date.day))T\(padded(inDay / 3_600)):"
            + "\(padded(inDay / 60 % 60)):\(padded(inDay % 60))Z"
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
    }

    /// Days since 1970-01-01 of a date of the Gregorian calendar, counted in years that begin with March.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floor(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floor(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    private static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct Scanner<Text: Collection<UInt8>> {
        private let text: Text
        private var index: Text.Index

        init(_ text: Text) {
            self.text = text
            index = text.startIndex
        }

        var isAtEnd: Bool { index == text.endIndex }

        mutating func take(_ byte: UInt8) -> Bool {
            guard index < text.endIndex, text[index] == byte else { return false }
            index = text.index(after: index)
            return true
        }

        /// Exactly so many digits.
        private mutating func number(_ digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard index < text.endIndex, (0x30...0x39).contains(text[index]) else { return nil }
                value = value * 10 + Int64(text[index] - 0x30)
                index = text.index(after: index)
            }
            return value
        }

        mutating func day() -> Int64? {
            guard let year = number(4), take(UInt8(ascii: "-")), let month = number(2), (1...12).contains(month),
                take(UInt8(ascii: "-")), let day = number(2), (1...daysInMonth(year, month)).contains(day)
            else { return nil }
            return dayNumber(year, month, day)
        }

        /// Milliseconds; further digits of the fraction are dropped.
        mutating func clock() -> Int64? {
            guard let hour = number(2), hour < 24, take(UInt8(ascii: ":")), let minute = number(2), minute < 60,
                take(UInt8(ascii: ":")), let second = number(2), second < 60
            else { return nil }
            var milliseconds: Int64 = 0
            if take(UInt8(ascii: ".")) {
                guard let first = number(1) else { return nil }
                var (place, value): (Int64, Int64) = (10, first * 100)
                while let digit = number(1) {
                    value += digit * place
                    place /= 10
                }
                milliseconds = value
            }
            return ((hour * 60 + minute) * 60 + second) * 1_000 + milliseconds
        }

        /// Milliseconds east of UTC.
        mutating func zone() -> Int64? {
            if isAtEnd || take(UInt8(ascii: "Z")) { return 0 }
            let isEast = take(UInt8(ascii: "+"))
            guard isEast || take(UInt8(ascii: "-")), let hours = number(2) else { return nil }
            _ = take(UInt8(ascii: ":"))
            guard let minutes = number(2) else { return nil }
            return (hours * 60 + minutes) * 60_000 * (isEast ? 1 : -1)
        }
    }
}
