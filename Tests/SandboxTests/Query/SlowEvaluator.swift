import ChangeEvents
import Foundation
import SOQL

/// Queries answered the slow and obvious way: every record of every object in a dictionary, every condition by its
/// definition, no index, no SQL. What the planner and the database do is judged by it.
struct SlowEvaluator {
    /// Live records by object.
    let records: [String: [RecordImage]]
    let now: Int64
    private let byID: [String: RecordImage]

    init(records: [String: [RecordImage]], now: Int64) {
        self.records = records
        self.now = now
        byID = Dictionary(
            records.values.flatMap { $0 }.map { ($0.id.string, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Ids of the records, in the query's order; equal ones in the order of their ids, as they were made.
    func ids(_ query: Query) -> [String] {
        var found = matching(query).sorted { $0.id.string < $1.id.string }
        if !query.order.isEmpty {
            let isLastDescending = query.order.last?.isDescending ?? false
            found = found.enumerated().sorted { left, right in
                for order in query.order {
                    let comparison = Self.compare(
                        value(order.term, left.element), value(order.term, right.element), order)
                    if comparison != 0 { return comparison < 0 }
                }
                return isLastDescending ? left.offset > right.offset : left.offset < right.offset
            }.map(\.element)
        }
        let start = min(query.offset ?? 0, found.count)
        return found[start...].prefix(query.limit ?? .max).map(\.id.string)
    }

    /// Group keys with their number of rows.
    func groups(_ query: Query) -> [String: Int] {
        Dictionary(grouping: matching(query)) { image in
            query.grouping.map { "\(Self.folded(value($0, image)))" }.joined(separator: "|")
        }.mapValues(\.count)
    }

    private func matching(_ query: Query) -> [RecordImage] {
        let all = records.first { $0.key.lowercased() == query.object.key }?.value ?? []
        return all.filter { image in query.filter.map { holds($0, image) } ?? true }
    }

    private func holds(_ filter: Filter, _ image: RecordImage) -> Bool {
        switch filter {
        case .and(let operands): operands.allSatisfy { holds($0, image) }
        case .or(let operands): operands.contains { holds($0, image) }
        case .not(let operand): !holds(operand, image)
        case .test(let test): holds(test, value(test.term, image))
        }
    }

    private func holds(_ test: FilterTest, _ value: Value) -> Bool {
        switch test.test {
        case .compare(let operation, let literal): return holds(value, operation, literal)
        case .among(let literals, let isNegated):
            return literals.contains { holds(value, .equal, $0) } != isNegated
        case .within(let query, let isNegated):
            guard case .string(let id) = value else { return isNegated }
            guard case .term(let term, _)? = query.items.first else { return false }
            return matching(query).contains { self.value(term, $0) == .string(id) } != isNegated
        case .like(let pattern):
            guard case .string(let text) = value else { return false }
            return Self.matches(Array(text.lowercased().unicodeScalars)[...], pattern.elements[...])
        case .includes(let groups, let isNegated):
            guard case .string(let text) = value else { return isNegated }
            let selected = Set(text.lowercased().split(separator: ";").map(String.init))
            return groups.contains { $0.allSatisfy { selected.contains($0.string.lowercased()) } } != isNegated
        case .exact: preconditionFailure("no text says it")
        }
    }

    private func holds(_ value: Value, _ operation: ComparisonOperator, _ literal: FilterLiteral) -> Bool {
        switch literal {
        case .relative(let date):
            guard let instant = Self.instant(value) else { return operation == .notEqual }
            let span = date.span(now: now)
            return switch operation {
            case .equal: span.contains(instant)
            case .notEqual: !span.contains(instant)
            case .less: instant < span.lowerBound
            case .lessOrEqual: instant < span.upperBound
            case .greater: instant >= span.upperBound
            case .greaterOrEqual: instant >= span.lowerBound
            }
        case .value(let literal):
            var value = value
            // An empty checkbox is false; an empty text is null.
            if case .boolean = literal, value == .null { value = .boolean(false) }
            if literal == .null || literal == .string("") {
                let isNull = value == .null || value == .boolean(false)
                return operation == .equal ? isNull : operation == .notEqual ? !isNull : false
            }
            guard value != .null else { return operation == .notEqual }
            let order = Self.order(value, literal)
            return switch operation {
            case .equal: order == 0
            case .notEqual: order != 0
            case .less: order < 0
            case .lessOrEqual: order <= 0
            case .greater: order > 0
            case .greaterOrEqual: order >= 0
            }
        }
    }

    private func value(_ term: Term, _ image: RecordImage) -> Value {
        switch term {
        case .call(let call):
            guard let part = DatePart(function: call.name), let argument = call.argument,
                let instant = Self.instant(value(argument, image))
            else { return .null }
            let calendar = Self.calendar
            let date = Date(timeIntervalSince1970: Double(instant) / 1_000)
            return switch part {
            case .calendarYear: .integer(Int64(calendar.component(.year, from: date)))
            case .calendarMonth: .integer(Int64(calendar.component(.month, from: date)))
            case .calendarQuarter: .integer(Int64((calendar.component(.month, from: date) - 1) / 3 + 1))
            case .dayInMonth: .integer(Int64(calendar.component(.day, from: date)))
            case .dayInWeek: .integer(Int64(calendar.component(.weekday, from: date)))
            case .hourInDay: .integer(Int64(calendar.component(.hour, from: date)))
            case .dayOnly: .date(milliseconds: Int64(calendar.startOfDay(for: date).timeIntervalSince1970) * 1_000)
            case .dayInYear, .weekInMonth, .weekInYear: .null
            }
        case .field(let path):
            var image = image
            var names = path.names.map(String.init)
            if names.count > 1, names[0].lowercased() == image.entity.lowercased() { names.removeFirst() }
            for relationship in names.dropLast() {
                guard case .string(let id)? = field(relationship + "Id", image), let parent = byID[id] else {
                    return .null
                }
                image = parent
            }
            return field(names[names.count - 1], image) ?? .null
        }
    }

    private func field(_ name: String, _ image: RecordImage) -> Value? {
        if name.lowercased() == "id" { return .string(image.id.string) }
        guard let value = image.fields.first(where: { $0.key.lowercased() == name.lowercased() })?.value else {
            return nil
        }
        return switch value {
        case .null, .list: .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .string(let text): text.isEmpty ? .null : .string(text)
        case .date(let milliseconds): .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): .time(milliseconds: milliseconds)
        }
    }

    private static var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        return calendar
    }

    private static func instant(_ value: Value) -> Int64? {
        switch value {
        case .date(let milliseconds), .dateTime(let milliseconds): milliseconds
        case .null, .boolean, .integer, .double, .string, .time: nil
        }
    }

    private static func folded(_ value: Value) -> Value {
        guard case .string(let text) = value else { return value }
        return .string(text.lowercased())
    }

    /// Of two values that are not null.
    private static func order(_ left: Value, _ right: Value) -> Int {
        func compare<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left == right ? 0 : 1 }
        func number(_ value: Value) -> Double? {
            switch value {
            case .integer(let number): Double(number)
            case .double(let number): number
            case .boolean(let flag): flag ? 1 : 0
            case .null, .string, .date, .dateTime, .time: nil
            }
        }
        if case .string(let left) = left, case .string(let right) = right {
            if RecordID(left) != nil, RecordID(right) != nil {
                return compare(RecordID(left)?.string ?? left, RecordID(right)?.string ?? right)
            }
            let (left, right) = (Array(left.lowercased().utf8), Array(right.lowercased().utf8))
            return left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
        }
        if let left = number(left), let right = number(right) { return compare(left, right) }
        if let left = instant(left), let right = instant(right) { return compare(left, right) }
        return 1
    }

    private static func compare(_ left: Value, _ right: Value, _ order: OrderTerm) -> Int {
        switch (left == .null, right == .null) {
        case (true, true): return 0
        case (true, false): return order.nullsLast ? 1 : -1
        case (false, true): return order.nullsLast ? -1 : 1
        case (false, false): return Self.order(left, right) * (order.isDescending ? -1 : 1)
        }
    }

    private static func matches(
        _ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<LikePattern.Element>
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        switch first {
        case .text(let exact):
            let wanted = Array(exact.string.lowercased().unicodeScalars)
            return text.starts(with: wanted) && matches(text.dropFirst(wanted.count), rest)
        case .anyCharacter: return !text.isEmpty && matches(text.dropFirst(), rest)
        case .anyText: return (0...text.count).contains { matches(text.dropFirst($0), rest) }
        }
    }
}
