import SOQL

/// What a query may do with a field: describe says it, the planner holds to it.
extension FieldDefinition {
    var isFilterable: Bool { isComparable && kind != .encryptedText }

    var isSortable: Bool { isComparable && kind != .multiPicklist && kind != .encryptedText }

    /// Numbers with decimals and instants are hardly ever the same twice: an org groups by parts of a date-time.
    var isGroupable: Bool {
        switch kind {
        case .double, .currency, .percent, .dateTime, .time, .multiPicklist, .encryptedText: false
        default: isComparable
        }
    }

    var isAggregatable: Bool { isComparable && kind != .boolean && kind != .multiPicklist }

    /// The name of a person is one text to a query, though describe gives its parts as fields.
    private var isComparable: Bool { kind.queryType != .compound && !kind.isLongText }
}
