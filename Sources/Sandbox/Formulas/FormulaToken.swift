/// The operators of formulas.
enum FormulaOperator: String, Sendable, Hashable {
    case add = "+"
    case subtract = "-"
    case concatenate = "&"
    case multiply = "*"
    case divide = "/"
    case power = "^"
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case and = "&&"
    case or = "||"
    case not = "!"

    /// How tight a binary operator binds; nil for `!`. As in Salesforce's published grammar, `^` binds *looser* than `*`:
    /// `2 * 3 ^ 2` is 36.
    var precedence: Int? {
        switch self {
        case .or: 1
        case .and: 2
        case .equal, .notEqual: 3
        case .less, .lessOrEqual, .greater, .greaterOrEqual: 4
        case .add, .subtract, .concatenate: 5
        case .power: 6
        case .multiply, .divide: 7
        case .not: nil
        }
    }
}

/// A word of a formula and where it begins (characters, from 1).
struct FormulaToken: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case number(Double)
        case text(String)
        /// A field's path, a function, TRUE, FALSE, NULL, NOT.
        case name(String)
        case operation(FormulaOperator)
        case open, close, comma, end
    }
    var kind: Kind
    var position: Int

    /// As the error texts quote it.
    var label: String {
        switch kind {
        case .number(let value): FormulaNumber.text(value)
        case .text(let text): text.count <= 40 ? text : String(text.prefix(40)) + "…"
        case .name(let name): name
        case .operation(let operation): operation.rawValue
        case .open: "("
        case .close: ")"
        case .comma: ","
        case .end: "end of formula"
        }
    }
}
