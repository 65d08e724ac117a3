internal import ChangeEvents
internal import NIOCore

/// JSON text, written straight into a buffer: the frames that the hub itself composes. Field values look as CometD shows
/// them.
extension ByteBuffer {
    mutating func writeJSON(string text: String) {
        writeInteger(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): writeStaticString("\\\"")
            case UInt8(ascii: "\\"): writeStaticString("\\\\")
            case 0x0A: writeStaticString("\\n")
            case 0x0D: writeStaticString("\\r")
            case 0x09: writeStaticString("\\t")
            case 0..<0x20:
                writeStaticString("\\u00")
                writeInteger(Self.hexDigit(byte >> 4))
                writeInteger(Self.hexDigit(byte & 0xF))
            default: writeInteger(byte)
            }
        }
        writeInteger(UInt8(ascii: "\""))
    }

    /// A member of an object, with the comma before it.
    mutating func writeJSON(member name: StaticString, string text: String) {
        writeStaticString(",\"")
        writeStaticString(name)
        writeStaticString("\":")
        writeJSON(string: text)
    }

    mutating func writeJSON(member name: StaticString, integer: Int64) {
        writeStaticString(",\"")
        writeStaticString(name)
        writeStaticString("\":")
        writeString(String(integer))
    }

    mutating func writeJSON(strings: [String]) {
        writeInteger(UInt8(ascii: "["))
        for (index, text) in strings.enumerated() {
            if index > 0 { writeInteger(UInt8(ascii: ",")) }
            writeJSON(string: text)
        }
        writeInteger(UInt8(ascii: "]"))
    }

    /// A number where a browser reads it exactly, otherwise a string. `-2`, "all that is retained", where no place is known.
    mutating func writeJSON(replayID: ReplayID?) {
        guard let replayID else { return _ = writeStaticString("-2") }
        if let counter = replayID.counter, counter <= Self.exactIntegerMax {
            writeString(String(counter))
        } else {
            writeJSON(string: replayID.description)
        }
    }

    mutating func writeJSON(id: MessageID) {
        switch id {
        case .integer(let integer): writeString(String(integer))
        case .double(let double): writeString(double.isFinite ? String(double) : "null")
        case .string(let string): writeJSON(string: string)
        }
    }

    mutating func writeJSON(value: FieldValue) {
        switch value {
        case .null: writeStaticString("null")
        case .boolean(let boolean): writeStaticString(boolean ? "true" : "false")
        case .integer(let integer): writeString(String(integer))
        case .double(let double): writeJSON(double: double)
        case .string(let string): writeJSON(string: string)
        case .date(let milliseconds): writeJSON(date: milliseconds, withTime: false)
        case .dateTime(let milliseconds): writeJSON(date: milliseconds, withTime: true)
        case .time(let milliseconds):
            writeInteger(UInt8(ascii: "\""))
            writeTime(milliseconds)
            writeInteger(UInt8(ascii: "\""))
        case .list(let names): writeJSON(strings: names)
        }
    }

    /// 2^53: up to there a double holds every integer.
    private static let exactIntegerMax: UInt64 = 1 << 53
    private static let millisecondsPerDay: Int64 = 86_400_000

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private mutating func writeJSON(double: Double) {
        guard double.isFinite else { return _ = writeStaticString("null") }
        if double == double.rounded(), abs(double) < 1e15 {
            writeString(String(Int64(double)))
        } else {
            writeString(String(double))
        }
    }

    private mutating func writeJSON(date milliseconds: Int64, withTime: Bool) {
        let days = (Double(milliseconds) / Double(Self.millisecondsPerDay)).rounded(.down)
        let (year, month, day) = Self.civil(daysSince1970: Int64(days))
        writeInteger(UInt8(ascii: "\""))
        writeDigits(year, width: 4)
        writeInteger(UInt8(ascii: "-"))
        writeDigits(month, width: 2)
        writeInteger(UInt8(ascii: "-"))
        writeDigits(day, width: 2)
        if withTime {
            writeInteger(UInt8(ascii: "T"))
            writeTime(milliseconds - Int64(days) * Self.millisecondsPerDay)
        }
        writeInteger(UInt8(ascii: "\""))
    }

    private mutating func writeTime(_ milliseconds: Int64) {
        writeDigits(milliseconds / 3_600_000, width: 2)
        writeInteger(UInt8(ascii: ":"))
        writeDigits(milliseconds / 60_000 % 60, width: 2)
        writeInteger(UInt8(ascii: ":"))
        writeDigits(milliseconds / 1000 % 60, width: 2)
        writeInteger(UInt8(ascii: "."))
        writeDigits(milliseconds % 1000, width: 3)
        writeInteger(UInt8(ascii: "Z"))
    }

    private mutating func writeDigits(_ number: Int64, width: Int) {
        let digits = String(number)
        for _ in 0..<max(0, width - digits.utf8.count) { writeInteger(UInt8(ascii: "0")) }
        writeString(digits)
    }

    /// The proleptic Gregorian date of a day number, by eras of 400 years that begin in March.
    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
