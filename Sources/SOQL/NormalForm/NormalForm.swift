/// A condition in the form that an index of conditions works with: negations stand at single claims only, each claim is
/// written one way, and what can be worked out beforehand is.
///
/// It says of every record exactly where the condition is `yes`; `no` and `unknown` are not told apart, because neither
/// is a match. That is why negations may be pushed inwards and claims merged: `AND` and `OR` are monotone in "is yes".
/// Conditions that mean the same are not always equal in this form, but these are:
///
/// - operands in another order, repeated, or nested in parentheses that change nothing;
/// - `NOT (A = 1 OR B < 2)` and `A != 1 AND (NOT B < 2)`; `A = 'x' OR A = 'y'` and `A IN ('Y', 'x')`;
/// - `A = 1` and `A = 1.0`; `A > 3 AND A < 9 AND A > 5` and `A > 5 AND A < 9`; `A = false` and `A != true`;
/// - what another operand makes superfluous: `A = 1 AND (A = 1 OR B = 2)` is `A = 1`.
///
/// What can hold for no record (`A = 'x' AND A = 'y'`, `A > 9 AND A < 3`, `A = 1 AND A != 1`) is `never`.
package indirect enum NormalForm: Hashable, Sendable {
    /// No record satisfies it.
    case never
    case claim(Claim, isNegated: Bool)
    /// At least two, none of which is an `all` or `never`; in no meaningful order.
    case all([NormalForm])
    /// At least two, none of which is an `any` or `never`; in no meaningful order.
    case any([NormalForm])

    package init(_ condition: Condition) {
        self = Self.form(of: condition.expression, isNegated: false)
    }

    private static func form(of expression: Expression, isNegated: Bool) -> NormalForm {
        switch expression {
        case .comparison(let comparison): form(of: comparison, isNegated: isNegated)
        case .not(let operand): form(of: operand, isNegated: !isNegated)
        case .and(let operands): joined(operands, holdsTogether: !isNegated, isNegated: isNegated)
        case .or(let operands): joined(operands, holdsTogether: isNegated, isNegated: isNegated)
        }
    }

    private static func joined(_ operands: [Expression], holdsTogether: Bool, isNegated: Bool) -> NormalForm {
        let forms = operands.map { form(of: $0, isNegated: isNegated) }
        return holdsTogether ? conjunction(of: forms) : disjunction(of: forms)
    }

    private static func form(of comparison: Comparison, isNegated: Bool) -> NormalForm {
        func claim(_ test: Claim.Test, isNegated: Bool) -> NormalForm {
            .claim(Claim(field: comparison.field, test: test), isNegated: isNegated)
        }
        switch comparison.test {
        case .compare(let operation, let literal):
            guard !operation.isOrdering else { return claim(.ordering(operation, literal), isNegated: isNegated) }
            let differs = (operation == .notEqual) != isNegated
            switch literal {
            case .null, .string(""): return claim(.isNull, isNegated: differs)
            // An empty checkbox counts as false: `= false` is "not `= true`", also for it.
            case .boolean(let boolean): return claim(.equals([.boolean(true)]), isNegated: differs == boolean)
            case .string, .integer, .double, .date, .dateTime, .time:
                guard let key = EqualityKey(literal) else { return .never }
                return claim(.equals([key]), isNegated: differs)
            }
        case .among(let values, let isExcluding):
            let excludes = isExcluding != isNegated
            var forms: [NormalForm] = []
            let keys = Set(values.compactMap { EqualityKey($0) }).sorted()
            if !keys.isEmpty { forms.append(claim(.equals(keys), isNegated: excludes)) }
            if values.contains(where: { $0 == .null || $0 == .string("") }) {
                forms.append(claim(.isBlank, isNegated: excludes))
            }
            return excludes ? conjunction(of: forms) : disjunction(of: forms)
        case .like(let pattern): return claim(.other(.like(pattern.withoutCase)), isNegated: isNegated)
        case .includes(let groups, let isExcluding):
            return claim(
                .other(.includes(Claim.canonical(groups), isNegated: false)), isNegated: isExcluding != isNegated)
        }
    }
}

extension Claim {
    /// The groups of an `INCLUDES` without case, order and repetition, where that is sure to change nothing.
    fileprivate static func canonical(_ groups: [[ExactText]]) -> [[ExactText]] {
        let sorted = groups.map { group in
            Set(group.map { ExactText($0.string.withoutCase) }).sorted { $0.precedes($1) }
        }
        return Set(sorted).sorted { $0.lexicographicallyPrecedes($1) { $0.precedes($1) } }
    }
}

extension Claim.Test {
    /// Numbers and times stand on a line, so that two bounds make an interval. Texts do not: a record id is ordered by
    /// its bytes and any other text without case.
    fileprivate static func ordering(_ operation: ComparisonOperator, _ literal: Value) -> Claim.Test {
        if let range = ValueRange(operation, literal) { return .range(range) }
        return .other(.compare(operation, literal))
    }
}

extension LikePattern {
    fileprivate var withoutCase: LikePattern {
        var pattern = LikePattern()
        for element in elements {
            switch element {
            case .text(let text): for scalar in text.string.withoutCase.unicodeScalars { pattern.append(scalar) }
            case .anyCharacter: pattern.appendAnyCharacter()
            case .anyText: pattern.appendAnyText()
            }
        }
        return pattern
    }
}

extension String {
    /// In lower case where it is ASCII: folding that again changes nothing.
    fileprivate var withoutCase: String {
        utf8.allSatisfy { $0 < 0x80 } ? String(decoding: FoldedText.fold(self), as: UTF8.self) : self
    }
}

extension ExactText {
    fileprivate func precedes(_ other: ExactText) -> Bool {
        string.utf8.lexicographicallyPrecedes(other.string.utf8)
    }
}
