import ChangeEvents

/// The value of a roll-up from the live details of one master. Pure.
struct RollUpCalculation {
    let rollUp: RollUp
    let child: ObjectDefinition

    /// Of a master without details.
    static func empty(_ rollUp: RollUp) -> FieldValue {
        switch rollUp.operation {
        case .count, .sum: .double(0)
        case .min, .max: .null
        }
    }

    func value(_ details: [RecordImage]) -> FieldValue {
        let counted = details.filter(counts)
        if rollUp.operation == .count { return .double(Double(counted.count)) }
        guard let name = rollUp.summarized else { return .null }
        let values = counted.compactMap { $0.fields[name] }.filter { $0 != .null }
        switch rollUp.operation {
        case .count, .sum: return .double(values.reduce(0) { $0 + (Self.number($1) ?? 0) })
        case .min: return values.min { Self.isBefore($0, $1) }.map(Self.decimal) ?? .null
        case .max: return values.max { Self.isBefore($0, $1) }.map(Self.decimal) ?? .null
        }
    }

    private func counts(_ image: RecordImage) -> Bool { rollUp.filters.allSatisfy { satisfies($0, image) } }

    private func satisfies(_ filter: RollUp.Filter, _ image: RecordImage) -> Bool {
        guard let field = child.field(filter.field) else { return false }
        let value = image.fields[field.name] ?? (field.kind == .boolean ? .boolean(false) : .null)
        let wanted = filter.value.isEmpty ? .null : FieldText.value(filter.value, of: field) ?? .null
        let isEqual = Self.isEqual(value, wanted)
        switch filter.operation {
        case .equals: return isEqual
        case .notEqual: return !isEqual
        case .lessThan: return value != .null && Self.isBefore(value, wanted)
        case .greaterThan: return value != .null && Self.isBefore(wanted, value)
        case .lessOrEqual: return value != .null && (isEqual || Self.isBefore(value, wanted))
        case .greaterOrEqual: return value != .null && (isEqual || Self.isBefore(wanted, value))
        }
    }

    /// Text compares without case, numbers by value.
    private static func isEqual(_ left: FieldValue, _ right: FieldValue) -> Bool {
        if case .string(let one) = left, case .string(let other) = right {
            return one.lowercased() == other.lowercased()
        }
        if let one = number(left), let other = number(right) { return one == other }
        return left == right
    }

    private static func isBefore(_ left: FieldValue, _ right: FieldValue) -> Bool {
        if case .string(let one) = left, case .string(let other) = right {
            return one.lowercased() < other.lowercased()
        }
        guard let one = number(left), let other = number(right) else { return false }
        return one < other
    }

    /// Numbers, and the milliseconds of dates.
    private static func number(_ value: FieldValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .double(let number): number
        case .date(let time), .dateTime(let time), .time(let time): Double(time)
        case .null, .boolean, .string, .list: nil
        }
    }

    /// A roll-up of whole numbers is a number with decimals.
    private static func decimal(_ value: FieldValue) -> FieldValue {
        if case .integer(let number) = value { .double(Double(number)) } else { value }
    }
}
