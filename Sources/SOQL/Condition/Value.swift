/// A value in a condition or a record, typed as SOQL compares it.
public enum Value: Hashable, Sendable {
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
