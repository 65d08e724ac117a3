import Foundation

extension FormulaRun {
    static func calculate(
        _ operation: FormulaOperation, _ left: FormulaValue, _ right: FormulaValue
    ) throws -> FormulaValue {
        switch (left, right) {
        case (.number(let left), .number(let right)): return .number(try arithmetic(operation, left, right))
        case (.date(let day), .number(let days)):
            // Dates have no fractions: those of the days are cut off.
            return .date(try moved(day, days.rounded(.towardZero), operation))
        case (.number(let days), .date(let day)): return .date(try moved(day, days.rounded(.towardZero), operation))
        case (.dateTime(let instant), .number(let days)): return .dateTime(try moved(instant, days, operation))
        case (.number(let days), .dateTime(let instant)): return .dateTime(try moved(instant, days, operation))
        case (.time(let time), .number(let change)): return .time(try movedTime(time, change, operation))
        case (.number(let change), .time(let time)): return .time(try movedTime(time, change, operation))
        case (.time(let left), .time(let right)): return .number(Double(left - right))
        case (.date(let left), .date(let right)), (.dateTime(let left), .dateTime(let right)):
            return .number(Double(left - right) / Double(OrgTime.millisecondsPerDay))
        default: return .blank
        }
    }

    private static func arithmetic(_ operation: FormulaOperation, _ left: Double, _ right: Double) throws -> Double {
        let result: Double
        switch operation {
        case .add: result = left + right
        case .subtract: result = left - right
        case .multiply: result = left * right
        case .divide:
            guard right != 0 else { throw FormulaEvaluationError.divisionByZero }
            result = left / right
        case .power:
            if left == 0, right < 0 { throw FormulaEvaluationError.divisionByZero }
            result = pow(left, right)
            if result.isNaN { throw FormulaEvaluationError.invalid("A root of a negative number.") }
        case .concatenate, .negate, .not, .compare: preconditionFailure("not an operator between numbers")
        }
        guard result.isFinite else { throw FormulaEvaluationError.tooBig }
        return result
    }

    /// An instant moved by days, within the years that a date can show.
    private static func moved(_ instant: Int64, _ days: Double, _ operation: FormulaOperation) throws -> Int64 {
        let signed = operation == .subtract ? -days : days
        let milliseconds = Double(instant) + (signed * Double(OrgTime.millisecondsPerDay)).rounded()
        guard let moved = Int64(exactly: milliseconds) else { throw FormulaEvaluationError.tooBig }
        return try checked(moved)
    }

    /// A time of day moved by milliseconds: the clock begins again after 24 hours.
    private static func movedTime(_ time: Int64, _ change: Double, _ operation: FormulaOperation) throws -> Int64 {
        guard let change = Int64(exactly: (operation == .subtract ? -change : change).rounded()) else {
            throw FormulaEvaluationError.tooBig
        }
        return timeOfDay(time + change % OrgTime.millisecondsPerDay)
    }

    static func checked(_ instant: Int64) throws -> Int64 {
        guard instantMin <= instant, instant <= instantMax else {
            throw FormulaEvaluationError.invalid("The date is out of range.")
        }
        return instant
    }

    /// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z.
    private static let instantMin: Int64 = -62_135_596_800_000
    private static let instantMax: Int64 = 253_402_300_799_999

    static func compare(
        _ comparison: FormulaOperator, _ rule: FormulaComparison, _ left: FormulaValue, _ right: FormulaValue
    ) -> FormulaValue {
        switch rule {
        case .texts:
            let (left, right) = (text(left), text(right))
            // Code by code: Swift's own comparison would take é and e with an accent for the same.
            let isLess = left.utf8.lexicographicallyPrecedes(right.utf8)
            return .boolean(holds(comparison, left.utf8.elementsEqual(right.utf8), isLess))
        case .withNull:
            let isEqual = left.isBlank == right.isBlank
            return .boolean(comparison == .equal ? isEqual : !isEqual)
        case .values:
            switch (left, right) {
            case (.number(let left), .number(let right)):
                let (left, right) = (FormulaNumber.significant(left), FormulaNumber.significant(right))
                return .boolean(holds(comparison, left == right, left < right))
            case (.date(let left), .date(let right)), (.dateTime(let left), .dateTime(let right)),
                (.time(let left), .time(let right)):
                return .boolean(holds(comparison, left == right, left < right))
            case (.boolean(let left), .boolean(let right)):
                return .boolean(comparison == .equal ? left == right : left != right)
            default: return .blank
            }
        }
    }

    private static func holds(_ comparison: FormulaOperator, _ isEqual: Bool, _ isLess: Bool) -> Bool {
        switch comparison {
        case .equal: isEqual
        case .notEqual: !isEqual
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        case .add, .subtract, .concatenate, .multiply, .divide, .power, .and, .or, .not:
            preconditionFailure("not a comparison")
        }
    }
}
