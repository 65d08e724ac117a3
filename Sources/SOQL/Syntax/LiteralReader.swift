/// Reads what stands without quotes: numbers, dates (`2026-07-09`), date-times (`2026-07-09T10:30:00-08:00`) and times
/// (`14:30:00Z`).
enum LiteralReader {
    struct Refusal: Error {
        /// Continues a sentence that begins with the literal.
        var reason: String
    }

    static func value(of bytes: ArraySlice<UInt8>) throws(Refusal) -> Value {
        if isShaped(bytes, like: "dddd-dd-dd") { return try dateOrDateTime(bytes) }
        if isShaped(bytes, like: "dd:dd:dd") { return try time(bytes) }
        return try number(bytes)
    }

    // MARK: Numbers

    private static func number(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> Value {
        var scanner = Scanner(bytes: bytes)
        scanner.skip(anyOf: "+-")
        guard scanner.digits() > 0 else { throw Refusal(reason: "is not a number") }
        var isWhole = true
        if scanner.skip(anyOf: ".") {
            isWhole = false
            guard scanner.digits() > 0 else { throw Refusal(reason: "is not a number") }
        }
        if scanner.skip(anyOf: "eE") {
            isWhole = false
            scanner.skip(anyOf: "+-")
            guard scanner.digits() > 0 else { throw Refusal(reason: "is not a number") }
        }
        guard scanner.isAtEnd else { throw Refusal(reason: "is not a number, date, date-time or time") }
        let text = String(decoding: bytes, as: UTF8.self)
        if isWhole {
            guard let integer = Int64(text) else {
                throw Refusal(reason: "is too large for a whole number: write it with a decimal point (\(text).0)")
            }
            return .integer(integer)
        }
        guard let double = Double(text), double.isFinite else { throw Refusal(reason: "is too large for a number") }
        return .double(double)
    }

    // MARK: Dates and times

    private static func dateOrDateTime(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> Value {
        var scanner = Scanner(bytes: bytes)
        let year = scanner.number(digits: 4)
        scanner.skip(anyOf: "-")
        let month = scanner.number(digits: 2)
        scanner.skip(anyOf: "-")
        let day = scanner.number(digits: 2)
        guard (1...12).contains(month), day >= 1, day <= CalendarDay.daysInMonth(month, year: year) else {
            throw Refusal(reason: "is not a day of the calendar")
        }
        let midnight = CalendarDay(year: year, month: month, day: day).milliseconds
        if scanner.isAtEnd {
            try checkRange(midnight)
            return .date(milliseconds: midnight)
        }
        guard scanner.skip(anyOf: "T"), isShaped(scanner.rest, like: "dd:dd:dd") else {
            throw Refusal(reason: "is not a date-time: the form is 2026-07-09T10:30:00Z or 2026-07-09T10:30:00-08:00")
        }
        let timeOfDay = try clock(&scanner)
        let offset = try zone(&scanner)
        let instant = midnight + timeOfDay - offset
        try checkRange(instant)
        return .dateTime(milliseconds: instant)
    }

    private static func time(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> Value {
        var scanner = Scanner(bytes: bytes)
        let timeOfDay = try clock(&scanner)
        guard scanner.skip(anyOf: "Z"), scanner.isAtEnd else {
            throw Refusal(reason: "is not a time: the form is 14:30:00Z, and the Z is required")
        }
        return .time(milliseconds: timeOfDay)
    }

    private static func clock(_ scanner: inout Scanner) throws(Refusal) -> Int64 {
        let hour = scanner.number(digits: 2)
        scanner.skip(anyOf: ":")
        let minute = scanner.number(digits: 2)
        scanner.skip(anyOf: ":")
        let second = scanner.number(digits: 2)
        guard hour <= 23, minute <= 59, second <= 59 else { throw Refusal(reason: "is not a time of day") }
        var milliseconds = 0
        if scanner.skip(anyOf: ".") {
            let fraction = scanner.rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard (1...fractionDigitsMax).contains(fraction.count) else {
                throw Refusal(reason: "has a fraction of a second that is not 1 to \(fractionDigitsMax) digits")
            }
            // Salesforce keeps milliseconds; finer digits are cut off.
            for place in 0..<3 {
                let digit = place < fraction.count ? Int(fraction[fraction.startIndex + place] - UInt8(ascii: "0")) : 0
                milliseconds = milliseconds * 10 + digit
            }
            _ = scanner.digits()
        }
        return Int64(((hour * 60 + minute) * 60 + second) * 1_000 + milliseconds)
    }

    /// `Z`, `+hh:mm` or (as REST answers print it) `+hhmm`, in milliseconds east of UTC.
    private static func zone(_ scanner: inout Scanner) throws(Refusal) -> Int64 {
        if scanner.skip(anyOf: "Z"), scanner.isAtEnd { return 0 }
        let isWest = scanner.rest.first == UInt8(ascii: "-")
        let hasForm =
            isShaped(scanner.rest.dropFirst(), like: "dd:dd") || isShaped(scanner.rest.dropFirst(), like: "dddd")
        guard scanner.skip(anyOf: "+-"), hasForm else {
            throw Refusal(reason: "has no time zone: end it with Z or an offset such as -08:00")
        }
        let hours = scanner.number(digits: 2)
        scanner.skip(anyOf: ":")
        let minutes = scanner.number(digits: 2)
        guard scanner.isAtEnd, hours * 60 + minutes <= zoneMinutesMax, minutes <= 59 else {
            throw Refusal(reason: "has an offset that no time zone has")
        }
        return Int64((hours * 60 + minutes) * 60_000) * (isWest ? -1 : 1)
    }

    private static func checkRange(_ milliseconds: Int64) throws(Refusal) {
        let year = CalendarDay(milliseconds: milliseconds).year
        guard yearsAllowed.contains(year) else { throw Refusal(reason: "is outside Salesforce's years 1700 to 4000") }
    }

    private static let yearsAllowed = 1700...4000
    private static let fractionDigitsMax = 9
    /// UTC+14, the furthest there is.
    private static let zoneMinutesMax = 14 * 60

    /// True when the bytes begin with the shape (`d` a digit, anything else itself).
    private static func isShaped(_ bytes: ArraySlice<UInt8>, like shape: StaticString) -> Bool {
        guard bytes.count >= shape.utf8CodeUnitCount else { return false }
        for index in 0..<shape.utf8CodeUnitCount {
            let expected = shape.utf8Start[index]
            let byte = bytes[bytes.startIndex + index]
            if expected == UInt8(ascii: "d") {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
            } else if byte != expected {
                return false
            }
        }
        return true
    }
}

/// A place in the bytes of a literal. `number(digits:)` expects that the shape was checked.
private struct Scanner {
    private(set) var rest: ArraySlice<UInt8>

    init(bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    @discardableResult
    mutating func skip(anyOf characters: String) -> Bool {
        guard let first = rest.first, characters.utf8.contains(first) else { return false }
        rest.removeFirst()
        return true
    }

    /// Skips digits; answers how many there were.
    mutating func digits() -> Int {
        let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        rest.removeFirst(count)
        return count
    }

    mutating func number(digits: Int) -> Int {
        var number = 0
        for byte in rest.prefix(digits) { number = number * 10 + Int(byte) - Int(UInt8(ascii: "0")) }
        rest.removeFirst(min(digits, rest.count))
        return number
    }
}
