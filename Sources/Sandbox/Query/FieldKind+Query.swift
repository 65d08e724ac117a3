import SOQL
import Store

/// How a kind of field is kept and compared.
extension FieldKind {
    /// Nil for compounds, whose parts have columns of their own.
    var columnType: ObjectTable.ColumnType? {
        switch queryType {
        case .identifier: .identifier
        case .text, .multiPicklist: .text
        case .boolean: .boolean
        case .integer: .integer
        case .double: .double
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        case .compound: nil
        }
    }

    var queryType: QueryType {
        switch self {
        case .id, .reference: .identifier
        case .text, .textArea, .longTextArea, .richText, .encryptedText, .picklist, .combobox, .email, .phone, .url,
            .autoNumber, .personName:
            .text
        case .multiPicklist: .multiPicklist
        case .boolean: .boolean
        case .integer: .integer
        case .double, .currency, .percent: .double
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        case .address, .location: .compound
        }
    }
}
