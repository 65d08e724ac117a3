/// The syntax tree of a condition: what Matching indexes and what a query planner turns into SQL.
///
/// Values made by the parser and by `all`/`any` are in normal form: an `and` has at least two operands, none of which
/// is an `and` or equal to another (likewise `or`). Depth is bounded by `SyntaxLimits.nestingMax` (one more per
/// `Condition.and`), so recursion over it is safe.
package indirect enum Expression: Hashable, Sendable {
    case comparison(Comparison)
    case and([Expression])
    case or([Expression])
    case not(Expression)

    /// All must hold.
    package static func all(_ operands: [Expression]) -> Expression {
        let flat = flattened(operands) { if case .and(let inner) = $0 { inner } else { nil } }
        return flat.count == 1 ? flat[0] : .and(flat)
    }

    /// One must hold.
    package static func any(_ operands: [Expression]) -> Expression {
        let flat = flattened(operands) { if case .or(let inner) = $0 { inner } else { nil } }
        return flat.count == 1 ? flat[0] : .or(flat)
    }

    private static func flattened(_ operands: [Expression], inner: (Expression) -> [Expression]?) -> [Expression] {
        var seen: Set<Expression> = []
        var flat: [Expression] = []
        for operand in operands {
            for part in inner(operand) ?? [operand] where seen.insert(part).inserted { flat.append(part) }
        }
        return flat
    }

    func collectFields(into fields: inout Set<FieldName>) {
        switch self {
        case .comparison(let comparison): fields.insert(comparison.field)
        case .and(let operands), .or(let operands): for operand in operands { operand.collectFields(into: &fields) }
        case .not(let operand): operand.collectFields(into: &fields)
        }
    }
}

/// One claim about one field.
package struct Comparison: Hashable, Sendable {
    package enum Test: Hashable, Sendable {
        /// `=`, `<` and so on. `null` and booleans come only with `=` and `!=`.
        case compare(ComparisonOperator, Value)
        /// `IN`, or `NOT IN`. At least one value; all that are not null are of one kind.
        case among([Value], isNegated: Bool)
        case like(LikePattern)
        /// `INCLUDES`, or `EXCLUDES`: one of the groups, all of whose values are selected.
        case includes([[ExactText]], isNegated: Bool)
    }

    package var field: FieldName
    package var test: Test

    package init(field: FieldName, test: Test) {
        self.field = field
        self.test = test
    }
}

package enum ComparisonOperator: String, Hashable, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// False for `=` and `!=`, which need no order of the values.
    var isOrdering: Bool {
        switch self {
        case .equal, .notEqual: false
        case .less, .lessOrEqual, .greater, .greaterOrEqual: true
        }
    }
}

/// A field as a condition names it; names that differ only in case are equal.
package struct FieldName: Hashable, Sendable {
    /// As written.
    package let spelling: String
    /// In lower case.
    package let key: String

    package init(_ spelling: String) {
        self.spelling = spelling
        key = spelling.lowercased()
    }

    /// The name says that the field holds a record id: `Id`, `ContactId`. (Custom lookups end in `__c`; their values
    /// have 18 characters, which tell an id by themselves.)
    package var holdsIdentifier: Bool { key.hasSuffix("id") }

    package static func == (left: FieldName, right: FieldName) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
