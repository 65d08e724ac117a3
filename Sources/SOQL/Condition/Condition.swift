internal import Synchronization

/// A SOQL condition (what stands behind `WHERE`), parsed: for subscription filters, channel filter expressions and REST
/// queries alike.
///
/// Two conditions are equal when they say the same in the same order: spaces, the case of keywords and field names,
/// redundant parentheses and repeated operands make no difference. Copying one is cheap (it is a reference to an
/// immutable object), and so are hashing and comparing a condition with itself. Immutable, usable from any thread.
public struct Condition: Sendable {
    /// What is parsed and what is made of it once, shared by all copies.
    private final class Storage: Sendable {
        let expression: Expression
        let hash: Int
        private let evaluation = AtomicLazyReference<Evaluation>()

        init(_ expression: Expression) {
            self.expression = expression
            self.hash = expression.hashValue
        }

        /// Made when it is asked for: of the conditions that a server keeps most are indexed, and never evaluated themselves.
        var predicate: Predicate {
            let made = evaluation.load() ?? evaluation.storeIfNil(Evaluation(Predicate(expression)))
            return made.predicate
        }
    }

    private final class Evaluation: Sendable {
        let predicate: Predicate

        init(_ predicate: Predicate) {
            self.predicate = predicate
        }
    }

    private let storage: Storage

    /// Parses, or throws an error with the position (in characters, from 1) and what was expected.
    ///
    /// Text, nesting and number of comparisons are bounded (see `SyntaxLimits`), so that hostile text ends in an error.
    public init(_ text: String, dialect: ConditionDialect = .full) throws(SOQLError) {
        var parser = try Parser(text, dialect: .condition, rules: dialect)
        self.init(try parser.parseWhole().expression)
    }

    package init(_ expression: Expression) {
        storage = Storage(expression)
    }

    /// The syntax tree: what planning and indexing look at.
    package var expression: Expression { storage.expression }

    /// Field names as written (`ContactId`, `BillingAddress.City`, `ChangeEventHeader.changeType`), each once; of names
    /// that differ only in case the first.
    public var fields: Set<String> {
        var seen: Set<FieldName> = []
        storage.expression.collectFields(into: &seen)
        return Set(seen.map(\.spelling))
    }

    /// Both must hold. The text of the result can pass the limits that the parser sets for each part.
    public static func and(_ left: Condition, _ right: Condition) -> Condition {
        if left == right { return left }
        return Condition(Expression.all([left.expression, right.expression]))
    }

    /// One must hold.
    public static func or(_ left: Condition, _ right: Condition) -> Condition {
        if left == right { return left }
        return Condition(Expression.any([left.expression, right.expression]))
    }

    /// `field = 'text'`.
    public static func equality(_ field: String, _ text: String) -> Condition {
        Condition(.comparison(Comparison(field: FieldName(field), test: .compare(.equal, .string(text)))))
    }

    /// Judges the condition on a record.
    ///
    /// `unknown` comes from a field the record does not know and from a value whose type cannot be compared with the
    /// literal (a number field with a text): neither is a match, nor is its negation. An *empty* field is known: as in
    /// SOQL it equals `null` and the empty text, differs from every other value, counts as false in comparisons with
    /// true and false, and is in no order to anything.
    public func evaluate(on record: some FieldSource) -> Truth {
        storage.predicate.evaluate(on: record)
    }
}

extension Condition: Hashable {
    public static func == (left: Condition, right: Condition) -> Bool {
        left.storage === right.storage
            || (left.storage.hash == right.storage.hash && left.storage.expression == right.storage.expression)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(storage.hash)
    }
}

extension Condition: CustomStringConvertible {
    /// Canonical text: equal conditions written differently (spaces, keyword case, redundant parentheses) print the
    /// same, but for the case of field names, which stays as written.
    public var description: String { storage.expression.description }
}
