/// A value while a formula is evaluated.
enum FormulaValue: Sendable, Hashable {
    case blank
    case boolean(Bool)
    case number(Double)
    case text(String)
    /// Milliseconds since 1970 at 00:00 UTC of the day.
    case date(Int64)
    /// Milliseconds since 1970.
    case dateTime(Int64)
    /// Milliseconds since midnight.
    case time(Int64)

    /// What `ISBLANK` says: no value, or a text without a character.
    var isBlank: Bool { self == .blank || self == .text("") }
    var isTrue: Bool { self == .boolean(true) }
}

/// Why a formula has no value for a record. The field shows null then, as the API shows `#Error!`.
struct FormulaEvaluationError: Error, Sendable, Hashable {
    var message: String

    static let divisionByZero = FormulaEvaluationError(message: "#Error! Division by zero.")
    static let tooBig = FormulaEvaluationError(message: "#Too Big! The number or the text is too big.")
    static func invalid(_ message: String) -> FormulaEvaluationError {
        FormulaEvaluationError(message: "#Error! " + message)
    }
}
