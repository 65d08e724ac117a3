import ChangeEvents

/// Which question comes next, where rows are counted on both sides to find the places that differ (`docs/twin.md`,
/// "Reconciliation"). Pure: the caller asks the org and the store, and brings the answers.
///
/// "Here" is the table. Every count is of live rows.
struct DrillDown {
    struct Limits: Sendable {
        /// An object of at most so many rows is read (id and stamp) instead of counted further.
        var wholeRowsMax = 10_000
        /// A place of at most so many rows is read: one page of a query.
        var placeRowsMax = 2_000
        /// Beyond so many rows more or less than the org has, the object is read anew.
        var differencesMax = 2_000
        /// Questions to the org after which every row is read instead.
        var questionsMax = 20
        /// A query's text is bounded, and an answer by the hour has 2,000 groups at most.
        var placesAtOnce = 20
        var monthsAtOnce = 2
        var monthsMax = 16
    }

    /// Rows of an hour, and of these a range of ids; both ends open where nil.
    struct Place: Sendable, Hashable {
        /// Since 1970; nil: rows here without a stamp.
        var hour: Int64?
        var from: RecordID?
        /// Excluded.
        var to: RecordID?
        /// On the side that has more.
        var rows: Int
    }

    enum Question: Sendable, Hashable {
        case total
        /// Rows by month, on both sides.
        case months
        /// Rows by hour of these months.
        case hours([CalendarMonth])
        /// Here alone: the ids of an hour, in their order.
        case ids(hour: Int64)
        /// The org's rows of an hour in a range of ids.
        case count(hour: Int64, from: RecordID?, to: RecordID)
        /// Rows of these places are to be compared one by one.
        case read([Place])
        /// All rows are.
        case readAll(rows: Int)
        /// More rows differ than are worth looking at.
        case readAnew
        /// There is nothing left to ask.
        case end
    }

    /// A large hour's rows between two of our ids.
    private struct Part {
        var hour: Int64
        var from: RecordID?
        var to: RecordID?
        /// Among the hour's ids here.
        var here: Range<Int>
        var org: Int
    }

    private let hasStamp: Bool
    private let limits: Limits
    private(set) var question = Question.total
    /// Put to the org.
    private(set) var questions = 0
    private var rows = 0
    private var months: [CalendarMonth] = []
    private var largeHours: [(hour: Int64, org: Int)] = []
    private var ids: [RecordID] = []
    private var parts: [Part] = []
    private var places: [Place] = []

    init(hasStamp: Bool, limits: Limits = Limits()) {
        self.hasStamp = hasStamp
        self.limits = limits
    }

    // MARK: Answers

    mutating func totalAnswered(org: Int, here: Int) {
        questions += 1
        rows = max(org, here)
        if abs(org - here) > limits.differencesMax {
            question = .readAnew
        } else if rows == 0 {
            question = .end
        } else if rows <= limits.wholeRowsMax || !hasStamp {
            question = .readAll(rows: rows)
        } else {
            question = .months
        }
    }

    /// - Parameter here: by hour; nil: without a stamp.
    mutating func monthsAnswered(org: [CalendarMonth: Int], here: [Int64?: Int]) {
        questions += 1
        var ours: [CalendarMonth: Int] = [:]
        for (hour, count) in here {
            if let hour { ours[CalendarMonth(hour: hour), default: 0] += count }
        }
        months = Set(org.keys).union(ours.keys).filter { org[$0, default: 0] != ours[$0, default: 0] }.sorted()
        if let unstamped = here[nil] { places.append(Place(hour: nil, rows: unstamped)) }
        advance()
    }

    mutating func hoursAnswered(org: [Int64: Int], here: [Int64?: Int]) {
        questions += 1
        guard case .hours(let asked) = question else { return }
        months.removeFirst(asked.count)
        let hours = Set(org.keys).union(here.keys.compactMap { $0 })
        for hour in hours.filter({ hour in asked.contains { $0.hours.contains(hour) } }).sorted() {
            let (org, here) = (org[hour, default: 0], here[hour, default: 0])
            guard org != here else { continue }
            if max(org, here) <= limits.placeRowsMax || here < 2 {
                places.append(Place(hour: hour, rows: max(org, here)))
            } else {
                largeHours.append((hour, org))
            }
        }
        advance()
    }

    mutating func idsAnswered(_ ids: [RecordID]) {
        guard let large = largeHours.popLast() else { return }
        self.ids = ids
        take(Part(hour: large.hour, here: 0..<ids.count, org: large.org))
        advance()
    }

    mutating func countAnswered(org: Int) {
        questions += 1
        guard let part = parts.popLast() else { return }
        let middle = Self.middle(of: part)
        let pivot = ids[middle]
        // What is not below the pivot is above it.
        take(Part(hour: part.hour, from: pivot, to: part.to, here: middle..<part.here.upperBound, org: part.org - org))
        take(Part(hour: part.hour, from: part.from, to: pivot, here: part.here.lowerBound..<middle, org: org))
        advance()
    }

    /// The places of the last question, or all rows, have been compared.
    mutating func readAnswered() {
        questions += 1
        if case .read(let read) = question {
            places.removeFirst(read.count)
            advance()
        } else {
            question = .end
        }
    }

    // MARK: Deciding

    private mutating func take(_ part: Part) {
        guard part.org != part.here.count else { return }
        let rows = max(part.org, part.here.count)
        if rows <= limits.placeRowsMax || part.here.count < 2 {
            places.append(Place(hour: part.hour, from: part.from, to: part.to, rows: rows))
        } else {
            parts.append(part)
        }
    }

    private static func middle(of part: Part) -> Int { (part.here.lowerBound + part.here.upperBound) / 2 }

    private mutating func advance() {
        if months.count > limits.monthsMax || questions + questionsLeft > limits.questionsMax {
            question = .readAll(rows: rows)
        } else if !months.isEmpty {
            question = .hours(Array(months.prefix(limits.monthsAtOnce)))
        } else if let part = parts.last {
            question = .count(hour: part.hour, from: part.from, to: ids[Self.middle(of: part)])
        } else if let large = largeHours.last {
            question = .ids(hour: large.hour)
        } else if !places.isEmpty {
            question = .read(placesAtOnce())
        } else {
            question = .end
        }
    }

    /// At the least, as far as is known.
    private var questionsLeft: Int {
        let splits = parts.map { max($0.org, $0.here.count) } + largeHours.map(\.org)
        return (months.count + limits.monthsAtOnce - 1) / limits.monthsAtOnce
            + splits.reduce(0) { $0 + halvings(of: $1) } + readings
    }

    private func halvings(of rows: Int) -> Int {
        var (count, rest) = (0, rows)
        while rest > limits.placeRowsMax {
            rest = (rest + 1) / 2
            count += 1
        }
        return count
    }

    private var readings: Int {
        let rows = places.filter { $0.hour != nil }.reduce(0) { $0 + $1.rows }
        return (rows + limits.placeRowsMax - 1) / limits.placeRowsMax
    }

    /// As many as an answer of one page holds, and at least one.
    private func placesAtOnce() -> [Place] {
        var rows = 0
        let fitting = places.prefix(limits.placesAtOnce).prefix { place in
            rows += place.rows
            return rows <= limits.placeRowsMax
        }
        return Array(places.prefix(max(fitting.count, 1)))
    }
}
