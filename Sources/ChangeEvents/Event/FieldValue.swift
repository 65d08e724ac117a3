/// The value of one field of a record, typed as Salesforce types it.
///
/// Avro gives dates, date-times and times as plain longs; the `doc` attribute of the schema tells them apart
/// (`Data:DateOnly`, `Data:DateTime`, `Data:TimeOnly`). An empty string is null in Salesforce.
public enum FieldValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    /// A Date field: milliseconds since 1970-01-01 at 00:00 UTC of the day.
    case date(milliseconds: Int64)
    /// A Date/Time field: milliseconds since 1970-01-01T00:00:00Z.
    case dateTime(milliseconds: Int64)
    /// A Time field: milliseconds since midnight UTC.
    case time(milliseconds: Int64)
    /// An array of names (user preference sets).
    case list([String])
}
