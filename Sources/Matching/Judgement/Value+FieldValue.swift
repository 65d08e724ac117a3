public import ChangeEvents
public import SOQL

// The value of a field as events and tables have it, and a value as conditions and queries have it. The two modules do not know
// each other; this is the lowest one that knows both and that all who need it may import.

extension Value {
    /// The value of a field as conditions compare it; a list of names is what a multi-select field would hold.
    public init(_ value: FieldValue) {
        switch value {
        case .null: self = .null
        case .boolean(let boolean): self = .boolean(boolean)
        case .integer(let integer): self = .integer(integer)
        case .double(let double): self = .double(double)
        case .string(let string): self = .string(string)
        case .date(let milliseconds): self = .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): self = .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): self = .time(milliseconds: milliseconds)
        case .list(let names): self = names.isEmpty ? .null : .string(names.joined(separator: ";"))
        }
    }
}

extension FieldValue {
    /// A literal of a query as a table holds it. Never a list: what was one is the text that a multi-select field holds.
    public init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .boolean(let boolean): self = .boolean(boolean)
        case .integer(let integer): self = .integer(integer)
        case .double(let double): self = .double(double)
        case .string(let string): self = .string(string)
        case .date(let milliseconds): self = .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): self = .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): self = .time(milliseconds: milliseconds)
        }
    }
}
