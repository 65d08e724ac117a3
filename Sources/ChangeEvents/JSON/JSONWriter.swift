/// Writes JSON into memory that it borrows, as fast as the payload can be read.
///
/// The memory has a fixed size. What does not fit is not written and sets `isOverflown`; the caller then begins again
/// with more (`EventSchema.writeJSON`). So the common case pays one comparison per write, and no pointer outlives the
/// closure that gave it.
struct JSONWriter {
    let base: UnsafeMutableRawPointer
    private let capacity: Int
    var count = 0
    private(set) var isOverflown = false

    init(_ memory: UnsafeMutableRawBufferPointer) {
        // Memory without an address has no capacity either, so the stand-in is never written to.
        base = memory.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
        capacity = memory.count
    }

    @inline(__always)
    mutating func hasRoom(_ bytes: Int) -> Bool {
        if capacity &- count >= bytes { return true }
        isOverflown = true
        return false
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        guard hasRoom(1) else { return }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Bytes that are JSON already.
    @inline(__always)
    mutating func raw(_ bytes: UnsafeRawPointer, _ length: Int) {
        guard hasRoom(length) else { return }
        (base + count).copyMemory(from: bytes, byteCount: length)
        count &+= length
    }

    @inline(__always)
    mutating func raw(_ text: StaticString) {
        raw(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }

    @inline(__always)
    mutating func boolean(_ flag: Bool) {
        if flag { raw("true") } else { raw("false") }
    }

    mutating func integer(_ number: Int64) {
        guard hasRoom(20) else { return }
        if number < 0 { byte(UInt8(ascii: "-")) }
        digits(number.magnitude, width: Self.digitCount(number.magnitude))
    }

    /// Exactly `width` decimal digits, with leading zeros. The room must be there.
    @inline(__always)
    private mutating func digits(_ number: UInt64, width: Int) {
        var rest = number
        var place = count &+ width
        while place > count {
            place &-= 1
            let quotient = rest / 10
            base.storeBytes(
                of: UInt8(truncatingIfNeeded: rest &- quotient &* 10) &+ 0x30, toByteOffset: place, as: UInt8.self)
            rest = quotient
        }
        count &+= width
    }

    @inline(__always)
    private static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var bound: UInt64 = 10
        while number >= bound {
            count &+= 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        return count
    }

    /// The shortest text that reads back as the same number. JSON has no infinities and no NaN: they become null.
    mutating func double(_ number: Double) {
        guard number.isFinite else { return raw("null") }
        if decimal(number) { return }
        plain(number.description)
    }

    mutating func float(_ number: Float) {
        guard number.isFinite else { return raw("null") }
        plain(number.description)
    }

    /// Writes numbers with at most six decimals and fifteen digits (money, percentages, coordinates) without the
    /// general algorithm. Two decimals of up to fifteen digits are never the same double, so one that divides back to
    /// the number is its shortest form.
    private mutating func decimal(_ number: Double) -> Bool {
        let scale = 1e6
        let magnitude = number.magnitude
        guard magnitude < 1e9, magnitude >= 1e-3, hasRoom(24) else { return number == 0 && zero(number) }
        let scaled = (magnitude * scale).rounded()
        guard scaled / scale == magnitude else { return false }
        let units = UInt64(scaled)
        var fraction = units % 1_000_000
        var width = 6
        while width > 1, fraction % 10 == 0 {
            fraction /= 10
            width &-= 1
        }
        if number < 0 { byte(UInt8(ascii: "-")) }
        let whole = units / 1_000_000
        digits(whole, width: Self.digitCount(whole))
        byte(UInt8(ascii: "."))
        digits(fraction, width: width)
        return true
    }

    private mutating func zero(_ number: Double) -> Bool {
        if number.sign == .minus { raw("-0.0") } else { raw("0.0") }
        return true
    }

    private mutating func plain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let address = bytes.baseAddress else { return }
            raw(UnsafeRawPointer(address), bytes.count)
        }
    }

    /// A date and time, `"2018-05-31T12:00:00.000Z"`. Years outside 0 to 9999 get a sign and at least six digits (ISO 8601).
    mutating func dateTime(milliseconds: Int64) {
        guard hasRoom(40) else { return }
        let day = milliseconds.floorDivided(by: Self.millisecondsPerDay)
        byte(UInt8(ascii: "\""))
        calendarDay(day)
        byte(UInt8(ascii: "T"))
        clock(UInt64(milliseconds &- day &* Self.millisecondsPerDay))
        byte(UInt8(ascii: "\""))
    }

    /// A day, `"2018-05-31"`: the day in UTC that holds the instant.
    mutating func date(milliseconds: Int64) {
        guard hasRoom(40) else { return }
        byte(UInt8(ascii: "\""))
        calendarDay(milliseconds.floorDivided(by: Self.millisecondsPerDay))
        byte(UInt8(ascii: "\""))
    }

    /// A time of day, `"13:45:00.000Z"`. What is no time of day is written as the number it is.
    mutating func time(milliseconds: Int64) {
        guard hasRoom(20) else { return }
        guard (0..<Self.millisecondsPerDay).contains(milliseconds) else { return integer(milliseconds) }
        byte(UInt8(ascii: "\""))
        clock(UInt64(milliseconds))
        byte(UInt8(ascii: "\""))
    }

    private static let millisecondsPerDay: Int64 = 86_400_000

    @inline(__always)
    private mutating func clock(_ milliseconds: UInt64) {
        let seconds = milliseconds / 1000
        digits(seconds / 3600, width: 2)
        byte(UInt8(ascii: ":"))
        digits(seconds / 60 % 60, width: 2)
        byte(UInt8(ascii: ":"))
        digits(seconds % 60, width: 2)
        byte(UInt8(ascii: "."))
        digits(milliseconds % 1000, width: 3)
        byte(UInt8(ascii: "Z"))
    }

    /// The proleptic Gregorian day of a number of days since 1970-01-01. Counted in eras of 400 years that begin on
    /// 1 March, so that the leap day is the last of its year.
    private mutating func calendarDay(_ day: Int64) {
        let shifted = day + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        if (0...9999).contains(year) {
            digits(UInt64(year), width: 4)
        } else {
            byte(UInt8(ascii: year < 0 ? "-" : "+"))
            digits(year.magnitude, width: max(6, Self.digitCount(year.magnitude)))
        }
        byte(UInt8(ascii: "-"))
        digits(UInt64(month), width: 2)
        byte(UInt8(ascii: "-"))
        digits(UInt64(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1), width: 2)
    }
}

extension Int64 {
    /// Division that rounds down, by a positive number.
    @inline(__always)
    func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
