internal import SOQL

/// Dates and times as OData writes them.
enum ODataTime {
    /// Characters of `10:30:00.000Z`.
    static let timeLength = 13

    /// `2026-02-17`
    static func date(_ milliseconds: Int64) -> String {
        let day = CalendarDay(milliseconds: milliseconds)
        return "\(padded(day.year, 4))-\(padded(day.month, 2))-\(padded(day.day, 2))"
    }

    /// `2026-02-17T04:03:15.250Z`
    static func dateTime(_ milliseconds: Int64) -> String { "\(date(milliseconds))T\(time(milliseconds))" }

    /// `04:03:15.250Z`
    static func time(_ milliseconds: Int64) -> String {
        let inDay = Int(milliseconds - CalendarDay.startOfDay(milliseconds))
        let seconds = inDay / 1_000
        return "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))."
            + "\(padded(inDay % 1_000, 3))Z"
    }

    /// Reads what `time` writes, and nothing else; milliseconds since midnight.
    static func time(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == timeLength, let hour = number(bytes[0..<2]), let minute = number(bytes[3..<5]),
            let second = number(bytes[6..<8]), let fraction = number(bytes[9..<12]), hour < 24, minute < 60, second < 60
        else { return nil }
        let milliseconds = Int64(((hour * 60 + minute) * 60 + second) * 1_000 + fraction)
        return time(milliseconds) == text ? milliseconds : nil
    }

    static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
