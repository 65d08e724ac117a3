import ChangeEvents
import SOQL

extension FieldValue {
    /// As conditions compare it; a list of names is what a multi-select field would hold.
    var conditionValue: Value {
        switch self {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .date(let milliseconds): .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): .time(milliseconds: milliseconds)
        case .list(let names): names.isEmpty ? .null : .string(names.joined(separator: ";"))
        }
    }
}
