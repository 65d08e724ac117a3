/// A date literal that depends on the day: `TODAY`, `LAST_N_DAYS:7`, `THIS_FISCAL_QUARTER`.
///
/// A condition that stands for months has no "today" that a change would be judged by (nothing changes at midnight, yet
/// records would enter and leave), so subscriptions refuse them, as Salesforce refuses them in channel filters. In a query
/// they are a span of time, worked out when the query is planned.
package struct RelativeDate: Hashable, Sendable {
    package enum Unit: Hashable, Sendable {
        case day, week, month, quarter, year
    }

    package var unit: Unit
    /// The span's first and one past its last unit, counted from the current one (0).
    package var first: Int
    package var end: Int

    /// The largest `n`: past it the calendar ends.
    static let countMax = 100_000

    /// Nil for a name that is none. `count` belongs to the names with `_N_`, and only to them.
    init?(_ name: String, count: Int?) {
        guard let form = Self.form(name), form.takesCount == (count != nil) else { return nil }
        let count = count ?? 1
        unit = form.unit
        switch form.direction {
        case .this: (first, end) = (0, 1)
        // The last n days end with today; the last n weeks, months, … end before the current one.
        case .last: (first, end) = (-count, form.takesCount && form.unit == .day ? 1 : 0)
        case .next: (first, end) = (1, 1 + count)
        case .ago: (first, end) = (-count, 1 - count)
        case .fixed(let start, let stop): (first, end) = (start, stop)
        }
    }

    static func isName(_ name: String) -> Bool { form(name) != nil }
    static func takesCount(_ name: String) -> Bool { form(name)?.takesCount ?? false }

    /// Milliseconds since 1970, the end excluded. The org's time zone is UTC, its weeks begin on Sunday and its fiscal year
    /// in January.
    package func span(now: Int64) -> Range<Int64> {
        let start = start(of: first, now: now)
        return start..<max(start, self.start(of: end, now: now))
    }

    private func start(of index: Int, now: Int64) -> Int64 {
        let today = CalendarDay.startOfDay(now)
        let day = CalendarDay.millisecondsPerDay
        switch unit {
        case .day: return today + Int64(index) * day
        case .week:
            // 1970-01-01 was a Thursday, the fifth day of its week.
            let days = today / day - (today % day < 0 ? 1 : 0)
            let dayOfWeek = ((days + 4) % 7 + 7) % 7
            return (days - dayOfWeek + Int64(index) * 7) * day
        case .month: return Self.month(CalendarDay(milliseconds: now), steps: index, length: 1)
        case .quarter: return Self.month(CalendarDay(milliseconds: now), steps: index, length: 3)
        case .year: return Self.month(CalendarDay(milliseconds: now), steps: index, length: 12)
        }
    }

    /// The first day of the block of `length` months that lies `steps` blocks from today's.
    private static func month(_ today: CalendarDay, steps: Int, length: Int) -> Int64 {
        let months = today.year * 12 + today.month - 1
        let block = (months - months % length) + steps * length
        return CalendarDay(year: block.floorQuotient(12), month: block.floorRemainder(12) + 1, day: 1).milliseconds
    }

    private enum Direction {
        case this, last, next, ago
        case fixed(Int, Int)
    }

    private static func form(_ name: String) -> (direction: Direction, unit: Unit, takesCount: Bool)? {
        let name = name.uppercased()
        switch name {
        case "TODAY": return (.this, .day, false)
        case "YESTERDAY": return (.fixed(-1, 0), .day, false)
        case "TOMORROW": return (.fixed(1, 2), .day, false)
        case "LAST_90_DAYS": return (.fixed(-90, 1), .day, false)
        case "NEXT_90_DAYS": return (.fixed(1, 91), .day, false)
        default: break
        }
        if name.hasPrefix("N_"), name.hasSuffix("S_AGO"), let unit = unit(name.dropFirst(2).dropLast(5)) {
            return (.ago, unit, true)
        }
        for (word, direction) in [("LAST_N_", Direction.last), ("NEXT_N_", .next)]
        where name.hasPrefix(word) && name.hasSuffix("S") {
            return unit(name.dropFirst(word.count).dropLast()).map { (direction, $0, true) }
        }
        for (word, direction) in [("LAST_", Direction.last), ("THIS_", .this), ("NEXT_", .next)]
        where name.hasPrefix(word) {
            guard let unit = unit(name.dropFirst(word.count)), unit != .day else { return nil }
            return (direction, unit, false)
        }
        return nil
    }

    private static func unit(_ name: Substring) -> Unit? {
        switch name {
        case "DAY": .day
        case "WEEK": .week
        case "MONTH": .month
        case "QUARTER", "FISCAL_QUARTER": .quarter
        case "YEAR", "FISCAL_YEAR": .year
        default: nil
        }
    }
}

extension Int {
    fileprivate func floorRemainder(_ modulus: Int) -> Int { ((self % modulus) + modulus) % modulus }
    fileprivate func floorQuotient(_ modulus: Int) -> Int { (self - floorRemainder(modulus)) / modulus }
}
