/// The tree behind `WHERE` and `HAVING`. A `Condition` is one whose terms are fields and whose literals are values.
package indirect enum Filter: Hashable, Sendable {
    case test(FilterTest)
    case and([Filter])
    case or([Filter])
    case not(Filter)
}

/// A literal: a value, or a span of days that depends on today.
package enum FilterLiteral: Hashable, Sendable {
    case value(Value)
    case relative(RelativeDate)
}

/// A claim about one term.
package struct FilterTest: Hashable, Sendable {
    package indirect enum Test: Hashable, Sendable {
        case compare(ComparisonOperator, FilterLiteral)
        case among([FilterLiteral], isNegated: Bool)
        /// `IN (SELECT …)`
        case within(Query, isNegated: Bool)
        case like(LikePattern)
        case includes([[ExactText]], isNegated: Bool)
        /// What no text of SOQL asks, whose texts compare without case: bytes against bytes. For other protocols (OData).
        case exact(ExactTest)
    }

    package var term: Term
    package var test: Test
    /// Where the operator's right side begins.
    package var literalPlace: Int

    package init(term: Term, test: Test, literalPlace: Int) {
        self.term = term
        self.test = test
        self.literalPlace = literalPlace
    }

    package static func == (left: FilterTest, right: FilterTest) -> Bool {
        left.term == right.term && left.test == right.test
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(term)
        hasher.combine(test)
    }
}

/// A claim about a text or a record id as it stands: with its case, and ids as texts of 18 characters. An empty field
/// satisfies none of them.
package enum ExactTest: Hashable, Sendable {
    /// It is one of these texts. An empty one is no record's.
    case among([ExactText])
    case search(TextSearch)
    /// An order of bytes. For record ids, whose own order it is; texts are ordered without case.
    case compare(ComparisonOperator, ExactText)
}

extension Filter {
    /// As the condition of a subscription: the parser's condition dialect lets nothing else through.
    var expression: Expression {
        switch self {
        case .and(let operands): .all(operands.map(\.expression))
        case .or(let operands): .any(operands.map(\.expression))
        case .not(let operand): .not(operand.expression)
        case .test(let test): .comparison(test.comparison)
        }
    }
}

extension FilterTest {
    fileprivate var comparison: Comparison {
        guard case .field(let path) = term else { preconditionFailure("the condition dialect has no functions") }
        let field = FieldName(path.spelling)
        switch test {
        case .compare(let operation, let literal):
            return Comparison(field: field, test: .compare(operation, literal.plainValue))
        case .among(let literals, let isNegated):
            return Comparison(field: field, test: .among(literals.map(\.plainValue), isNegated: isNegated))
        case .like(let pattern): return Comparison(field: field, test: .like(pattern))
        case .includes(let groups, let isNegated):
            return Comparison(field: field, test: .includes(groups, isNegated: isNegated))
        case .within: preconditionFailure("the condition dialect has no subqueries")
        case .exact: preconditionFailure("no text says it")
        }
    }
}

extension FilterLiteral {
    fileprivate var plainValue: Value {
        guard case .value(let value) = self else {
            preconditionFailure("the condition dialect has no relative dates")
        }
        return value
    }
}
