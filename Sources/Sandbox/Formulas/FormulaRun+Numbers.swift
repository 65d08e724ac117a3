import Foundation

/// Functions of numbers: a blank argument gives a blank.
extension FormulaRun {
    static func numberFunction(_ function: FormulaFunction, _ arguments: [FormulaValue]) throws -> FormulaValue {
        var numbers: [Double] = []
        for argument in arguments {
            guard case .number(let number) = argument else { return .blank }
            numbers.append(number)
        }
        let result: Double
        switch function {
        case .pi: result = .pi
        case .minimum: result = numbers.min() ?? 0
        case .maximum: result = numbers.max() ?? 0
        case .remainder:
            guard let remainder = FormulaNumber.remainder(numbers[0], numbers[1]) else {
                throw FormulaEvaluationError.divisionByZero
            }
            result = remainder
        case .round: result = FormulaNumber.rounded(numbers[0], scale: scale(arguments[1]))
        case .truncate:
            result = FormulaNumber.truncated(numbers[0], scale: arguments.count > 1 ? scale(arguments[1]) : 0)
        // Towards zero and away from it: what FLOOR and CEILING do with negative numbers in Salesforce.
        case .floor: result = FormulaNumber.significant(numbers[0]).rounded(.towardZero)
        case .ceiling: result = FormulaNumber.significant(numbers[0]).rounded(.awayFromZero)
        case .mathematicalFloor: result = FormulaNumber.significant(numbers[0]).rounded(.down)
        case .mathematicalCeiling: result = FormulaNumber.significant(numbers[0]).rounded(.up)
        case .absolute: result = abs(numbers[0])
        case .squareRoot: result = numbers[0].squareRoot()
        case .exponential: result = exp(numbers[0])
        case .naturalLogarithm: result = log(numbers[0])
        case .logarithm: result = log10(numbers[0])
        default: preconditionFailure("\(function.rawValue) is no function of numbers")
        }
        guard !result.isNaN else { throw FormulaEvaluationError.invalid("\(function.rawValue) of a negative number.") }
        guard result.isFinite else { throw FormulaEvaluationError.tooBig }
        return .number(result)
    }

    /// Digits behind the point; no double has more than these.
    private static func scale(_ value: FormulaValue) -> Int { max(-400, min(400, count(value) ?? 0)) }
}
