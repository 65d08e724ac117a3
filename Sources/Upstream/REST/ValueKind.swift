/// How the values of a field are read: the case of `FieldValue` that they become.
public enum ValueKind: Sendable, Hashable {
    case boolean, integer, double, date, dateTime, time
    /// A record id, of 18 characters.
    case id
    case text

    public init(_ type: FieldType) {
        self =
            switch type {
            case .boolean: .boolean
            case .int, .long: .integer
            case .double, .currency, .percent: .double
            case .date: .date
            case .datetime: .dateTime
            case .time: .time
            case .id, .reference: .id
            default: .text
            }
    }
}
