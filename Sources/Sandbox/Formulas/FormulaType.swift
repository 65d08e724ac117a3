/// What kind of value an expression of a formula has. Salesforce checks the kinds when a formula is defined, not when it is
/// evaluated.
enum FormulaType: Sendable, Hashable, CaseIterable {
    case text
    case number
    case currency
    /// A field of 50 % counts as 0.5 inside a formula; a formula of this kind that gives 0.5 is a field of 50.
    case percent
    case date
    case dateTime
    /// A time of day.
    case time
    case boolean
    /// Only some functions take a picklist field: `ISPICKVAL`, `CASE`, `TEXT`, `ISBLANK`, `ISNULL`.
    case picklist
    /// Only `INCLUDES`, `ISBLANK` and `ISNULL` take one.
    case multiPicklist
    /// The literal `NULL`, which fits everywhere.
    case null

    /// As the error texts name it.
    var label: String {
        switch self {
        case .text: "Text"
        case .number, .currency, .percent: "Number"
        case .date: "Date"
        case .dateTime: "DateTime"
        case .time: "Time"
        case .boolean: "Boolean"
        case .picklist: "Picklist"
        case .multiPicklist: "Multi-Select Picklist"
        case .null: "Null"
        }
    }

    var isNumber: Bool { self == .number || self == .currency || self == .percent }

    /// True where a value of the one can stand for one of the other. Currency and percent are numbers.
    func fits(_ other: FormulaType) -> Bool {
        self == .null || other == .null || self == other || (isNumber && other.isNumber)
    }
}
