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
        /// A query's text is bounded.
        var placesAtOnce = 20
        /// An answer has 2,000 groups at most. So many of ours leave room for those that are not here.
        var groupsAtOnce = 1_500
        /// So many questions ask by the hour at once, the newest first; what is older is asked by the day before.
        var hourQuestionsMax = 4
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
        /// Rows by hour or by day, in some spans of hours, on both sides.
        case groups(SourceSpan.Unit, [SourceSpan])
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
    /// Questions for groups that are still to be put.
    private var groups: [(unit: SourceSpan.Unit, spans: [SourceSpan])] = []
    /// Days that differ: their hours are to be asked.
    private var days: [Int64] = []
    private var largeHours: [(hour: Int64, org: Int)] = []
    private var ids: [RecordID] = []
    private var parts: [Part] = []
    private var places: [Place] = []

    init(hasStamp: Bool, limits: Limits = Limits()) {
        self.hasStamp = hasStamp
        self.limits = limits
    }

    // MARK: Answers

    /// - Parameter here: by hour since 1970; nil: without a stamp.
    mutating func totalAnswered(org: Int, here: [Int64?: Int]) {
        questions += 1
        let count = here.values.reduce(0, +)
        rows = max(org, count)
        if abs(org - count) > limits.differencesMax {
            question = .readAnew
        } else if rows == 0 {
            question = .end
        } else if rows <= limits.wholeRowsMax || !hasStamp || count == 0 {
            question = .readAll(rows: rows)
        } else {
            if let unstamped = here[nil] { places.append(Place(hour: nil, rows: unstamped)) }
            plan(here.keys.compactMap { $0 }.sorted())
            advance()
        }
    }

    /// - Parameter org: by hour or day since 1970, as was asked.
    mutating func groupsAnswered(org: [Int64: Int], here: [Int64?: Int]) {
        questions += 1
        guard case .groups(let unit, let spans) = question else { return }
        if groups.isEmpty { days.removeFirst(spans.count) } else { groups.removeFirst() }
        var ours: [Int64: Int] = [:]
        for (hour, count) in here {
            guard let hour, spans.contains(where: { $0.contains(hour) }) else { continue }
            ours[unit.of(hour), default: 0] += count
        }
        for group in Set(org.keys).union(ours.keys).sorted() {
            let (org, here) = (org[group, default: 0], ours[group, default: 0])
            guard org != here else { continue }
            if unit == .day {
                days.append(group)
            } else if max(org, here) <= limits.placeRowsMax || here < 2 {
                places.append(Place(hour: group, rows: max(org, here)))
            } else {
                largeHours.append((group, org))
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

    /// What is asked, from the hours that rows here are in. The spans leave nothing out: the first begins before everything, each
    /// ends where the next begins, the last has no end.
    private mutating func plan(_ hours: [Int64]) {
        var end: Int64?
        var rest = hours[...]
        while !rest.isEmpty, groups.count < limits.hourQuestionsMax {
            let newest = rest.suffix(limits.groupsAtOnce)
            rest = rest.dropLast(newest.count)
            // From midnight on, so that days behind it are whole.
            let begin = rest.isEmpty ? nil : newest.first.map { SourceSpan.Unit.day.of($0) * 24 }
            if let begin { rest = rest.prefix { $0 < begin } }
            groups.append((.hour, [SourceSpan(from: rest.isEmpty ? nil : begin, to: end)]))
            end = begin
        }
        var older = rest.map { SourceSpan.Unit.day.of($0) }[...]
        while let last = older.last {
            var count = 0
            var first = last
            while let day = older.last, count < limits.groupsAtOnce || day == first {
                if count == 0 || day != first { count += 1 }
                first = day
                older = older.dropLast()
            }
            groups.append((.day, [SourceSpan(from: older.isEmpty ? nil : first * 24, to: end)]))
            end = first * 24
        }
    }

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
        if questions + questionsLeft > limits.questionsMax {
            question = .readAll(rows: rows)
        } else if let next = groups.first {
            question = .groups(next.unit, next.spans)
        } else if !days.isEmpty {
            question = .groups(
                .hour, days.prefix(limits.placesAtOnce).map { SourceSpan(from: $0 * 24, to: ($0 + 1) * 24) })
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
        return groups.count + (days.count + limits.placesAtOnce - 1) / limits.placesAtOnce
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
