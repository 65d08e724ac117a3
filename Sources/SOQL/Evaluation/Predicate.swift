/// A condition ready for evaluation: literals folded, patterns and lists prepared, answers for empty fields worked out.
indirect enum Predicate: Sendable {
    case all([Predicate])
    case any([Predicate])
    case not(Predicate)
    case test(FieldTest)

    init(_ expression: Expression) {
        switch expression {
        case .and(let operands): self = .all(operands.map(Predicate.init))
        case .or(let operands): self = .any(operands.map(Predicate.init))
        case .not(let operand): self = .not(Predicate(operand))
        case .comparison(let comparison): self = .test(FieldTest(comparison))
        }
    }

    func evaluate(on record: some FieldSource) -> Truth {
        switch self {
        case .test(let test): return test.evaluate(on: record)
        case .not(let operand): return operand.evaluate(on: record).negated
        case .all(let operands):
            var truth = Truth.yes
            for operand in operands {
                switch operand.evaluate(on: record) {
                case .yes: continue
                case .no: return .no
                case .unknown: truth = .unknown
                }
            }
            return truth
        case .any(let operands):
            var truth = Truth.no
            for operand in operands {
                switch operand.evaluate(on: record) {
                case .no: continue
                case .yes: return .yes
                case .unknown: truth = .unknown
                }
            }
            return truth
        }
    }
}

/// One claim about one field, prepared.
package final class FieldTest: Sendable {
    private enum Test: Sendable {
        /// `= null` or `!= null`; false counts as null, because a checkbox is never empty.
        case isNull(isNegated: Bool)
        case compare(ComparisonOperator, Operand)
        case among(ValueList, isNegated: Bool)
        case like(LikeMatcher)
        case includes(SelectionMatcher, isNegated: Bool)
    }

    private let field: String
    private let isIdentifierField: Bool
    private let test: Test
    /// What the claim says of an empty field.
    private let truthOfNull: Truth

    package init(_ comparison: Comparison) {
        field = comparison.field.spelling
        isIdentifierField = comparison.field.holdsIdentifier
        switch comparison.test {
        case .compare(let operation, let literal):
            let comparesWithNothing = literal == .null || literal == .string("")
            if comparesWithNothing, !operation.isOrdering {
                test = .isNull(isNegated: operation == .notEqual)
                truthOfNull = Truth(operation == .equal)
            } else if let operand = Operand(literal) {
                test = .compare(operation, operand)
                truthOfNull = Self.truthOfNull(operation, literal)
            } else {
                preconditionFailure("the parser refuses null with \(operation.rawValue)")
            }
        case .among(let values, let isNegated):
            let list = ValueList(values)
            test = .among(list, isNegated: isNegated)
            truthOfNull = Truth(list.hasNull != isNegated)
        case .like(let pattern):
            test = .like(LikeMatcher(pattern))
            truthOfNull = .no
        case .includes(let groups, let isNegated):
            test = .includes(SelectionMatcher(groups), isNegated: isNegated)
            truthOfNull = Truth(isNegated)
        }
    }

    func evaluate(on record: some FieldSource) -> Truth {
        truth(of: record.value(of: field))
    }

    /// What the claim says of a field with this value; nil: it is not known.
    package func truth(of value: Value?) -> Truth {
        guard let value else { return .unknown }
        switch value {
        case .null: return truthOfNull
        case .string(let text) where text.isEmpty: return truthOfNull
        case .boolean, .integer, .double, .string, .date, .dateTime, .time: break
        }
        switch test {
        case .isNull(let isNegated):
            return Truth((value == .boolean(false)) != isNegated)
        case .compare(let operation, let operand):
            guard let order = operand.order(of: value, isIdentifierField: isIdentifierField) else { return .unknown }
            return Truth(operation.accepts(order))
        case .among(let list, let isNegated):
            guard let contains = list.contains(value, isIdentifierField: isIdentifierField) else { return .unknown }
            return Truth(contains != isNegated)
        case .like(let matcher):
            guard case .string(let text) = value else { return .unknown }
            return Truth(matcher.matches(text))
        case .includes(let matcher, let isNegated):
            guard case .string(let text) = value else { return .unknown }
            return Truth(matcher.matches(text) != isNegated)
        }
    }

    private static func truthOfNull(_ operation: ComparisonOperator, _ literal: Value) -> Truth {
        switch (operation, literal) {
        case (.equal, .boolean(let boolean)): Truth(!boolean)
        case (.notEqual, .boolean(let boolean)): Truth(boolean)
        case (.notEqual, _): .yes
        case (.equal, _), (.less, _), (.lessOrEqual, _), (.greater, _), (.greaterOrEqual, _): .no
        }
    }
}

extension ComparisonOperator {
    fileprivate func accepts(_ order: Order) -> Bool {
        switch self {
        case .equal: order == .equal
        case .notEqual: order != .equal
        case .less: order == .less
        case .lessOrEqual: order != .greater
        case .greater: order == .greater
        case .greaterOrEqual: order != .less
        }
    }
}
