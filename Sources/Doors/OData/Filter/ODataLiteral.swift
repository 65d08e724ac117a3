internal import SOQL

/// A value in a `$filter`.
enum ODataLiteral: Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    /// A day or a moment: milliseconds since 1970 UTC, and whether that is all of it. Records keep milliseconds; a finer
    /// moment equals none of theirs.
    case moment(milliseconds: Int64, isExact: Bool)

    /// As messages name it.
    var noun: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .double: "a number"
        case .string: "a text"
        case .moment: "a date"
        }
    }

    struct Refusal: Error {
        /// Continues a sentence that begins with the literal.
        var reason: String
    }

    /// What begins with a digit or a sign: a number, a date (`2026-07-09`), a moment (`2026-07-09T10:30:00.5Z`).
    init(unquoted bytes: ArraySlice<UInt8>) throws(Refusal) {
        if bytes.count >= 10, bytes[bytes.startIndex + 4] == Self.hyphen, bytes[bytes.startIndex + 7] == Self.hyphen {
            self = try Self.moment(bytes)
        } else {
            self = try Self.number(bytes)
        }
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func number(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> ODataLiteral {
        var rest = bytes
        if let sign = rest.first, sign == hyphen || sign == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var hasForm = !whole.isEmpty
        let isWhole = rest.isEmpty
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            hasForm = hasForm && !fraction.isEmpty
            rest = rest.dropFirst(1 + fraction.count)
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if let sign = rest.first, sign == hyphen || sign == UInt8(ascii: "+") { rest.removeFirst() }
            let exponent = rest.prefix(while: isDigit)
            hasForm = hasForm && !exponent.isEmpty
            rest = rest.dropFirst(exponent.count)
        }
        guard hasForm, rest.isEmpty else { throw Refusal(reason: "is not a number, a date or a moment") }
        let text = String(decoding: bytes, as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw Refusal(reason: "is too large for a number") }
        return .double(double)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func moment(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> ODataLiteral {
        let text = Array(bytes)
        guard let year = ODataTime.number(text[0..<4]), let month = ODataTime.number(text[5..<7]),
            let day = ODataTime.number(text[8..<10]), (1...12).contains(month), year > 0, day > 0,
            day <= CalendarDay.daysInMonth(month, year: year)
        else { throw Refusal(reason: "is not a day of the calendar") }
        let midnight = CalendarDay(year: year, month: month, day: day).milliseconds
        var rest = text[10...]
        if rest.isEmpty { return .moment(milliseconds: midnight, isExact: true) }
        let badForm = Refusal(
            reason:
                "is not a moment: the form is 2026-07-09T10:30:00Z or 2026-07-09T10:30:00%2B02:00, its plus sign escaped"
        )
        guard rest.removeFirst() | 0x20 == UInt8(ascii: "t"), rest.count >= 5, rest[rest.startIndex + 2] == colon,
            let hour = ODataTime.number(rest.prefix(2)), let minute = ODataTime.number(rest.dropFirst(3).prefix(2))
        else { throw badForm }
        rest = rest.dropFirst(5)
        var second = 0
        var milliseconds = 0
        var isExact = true
        if rest.first == colon {
            guard let number = ODataTime.number(rest.dropFirst().prefix(2)), rest.count >= 3 else { throw badForm }
            second = number
            rest = rest.dropFirst(3)
            if rest.first == UInt8(ascii: ".") {
                let fraction = Array(rest.dropFirst().prefix(while: isDigit))
                guard (1...12).contains(fraction.count) else { throw badForm }
                for place in 0..<3 {
                    milliseconds = milliseconds * 10 + (place < fraction.count ? Int(fraction[place]) - 0x30 : 0)
                }
                isExact = fraction.dropFirst(3).allSatisfy { $0 == 0x30 }
                rest = rest.dropFirst(1 + fraction.count)
            }
        }
        guard hour < 24, minute < 60, second < 60 else { throw Refusal(reason: "is not a time of day") }
        guard let offset = zone(rest) else { throw badForm }
        let inDay = Int64((hour * 60 + minute) * 60 + second) * 1_000 + Int64(milliseconds)
        return .moment(milliseconds: midnight + inDay - offset, isExact: isExact)
    }

    private static let colon = UInt8(ascii: ":")

    /// `Z` or `+02:00`, in milliseconds east of UTC.
    private static func zone(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let first = bytes.first else { return nil }
        if first | 0x20 == UInt8(ascii: "z") { return bytes.count == 1 ? 0 : nil }
        let isWest = first == hyphen
        guard isWest || first == UInt8(ascii: "+"), bytes.count == 6, bytes[bytes.startIndex + 3] == colon,
            let hours = ODataTime.number(bytes.dropFirst().prefix(2)), let minutes = ODataTime.number(bytes.suffix(2)),
            minutes < 60, hours * 60 + minutes <= 14 * 60
        else { return nil }
        return Int64(hours * 60 + minutes) * 60_000 * (isWest ? -1 : 1)
    }
}
