/// A value in a condition or a record, typed as SOQL compares it.
///
/// Equal values are of one type and, for texts, of the same bytes (see `ExactText`); `1` and `1.0` are different values
/// that compare as equal in a condition.
public enum Value: Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    /// Compared without case, as SOQL does; record ids bytewise after completion to 18 characters.
    case string(String)
    /// Milliseconds since 1970 at 00:00 UTC of the day.
    case date(milliseconds: Int64)
    /// Milliseconds since 1970-01-01T00:00:00Z.
    case dateTime(milliseconds: Int64)
    /// Milliseconds since midnight UTC.
    case time(milliseconds: Int64)
}

extension Value: Hashable {
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.string(let left), .string(let right)): ExactText(left) == ExactText(right)
        case (.date(let left), .date(let right)): left == right
        case (.dateTime(let left), .dateTime(let right)): left == right
        case (.time(let left), .time(let right)): left == right
        case (.null, _), (.boolean, _), (.integer, _), (.double, _), (.string, _), (.date, _), (.dateTime, _),
            (.time, _):
            false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .boolean(let boolean): hasher.combine(boolean)
        case .integer(let integer): hasher.combine(integer)
        case .double(let double): hasher.combine(double)
        case .string(let string): hasher.combine(ExactText(string))
        case .date(let milliseconds), .dateTime(let milliseconds), .time(let milliseconds): hasher.combine(milliseconds)
        }
    }
}
