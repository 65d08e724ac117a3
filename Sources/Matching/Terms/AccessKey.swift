internal import SOQL

/// What conditions are filed under: a claim about one field that an index answers.
enum AccessKey {
    case equality(FieldName, EqualityKey)
    case isNull(FieldName)
    case isBlank(FieldName)
    case range(FieldName, ValueRange)
    case prefix(FieldName, [UInt8])
    case selection(FieldName, [UInt8])

    var field: FieldName {
        switch self {
        case .equality(let field, _), .isNull(let field), .isBlank(let field), .range(let field, _),
            .prefix(let field, _), .selection(let field, _):
            field
        }
    }
}

/// How the conditions of one form are found: keys of which one at least holds wherever the condition does.
///
/// Of an `AND` the best of its operands is enough (its access predicate); of an `OR` every operand must be found. A key's
/// price is how many records have such a value, roughly, times how many conditions are filed under it already: so
/// `RecordTypeId = '012…' AND ContactId = '003…'` ends up under the contact, though both are ids.
struct AccessPlan {
    /// More keys than this are not filed: the condition is judged for every change instead, which costs a condition with
    /// a list that long little more.
    static let keysMax = 1_024

    private(set) var keys: [AccessKey]
    private(set) var price: Double

    /// Nil: no index can find the condition.
    /// - Parameter load: how many conditions are filed under a key.
    init?(_ form: NormalForm, load: (AccessKey) -> Int) {
        switch form {
        case .never: (keys, price) = ([], 0)
        case .claim(let claim, let isNegated):
            guard let keys = isNegated ? claim.keysOfOpposite : claim.keys, keys.count <= Self.keysMax else {
                return nil
            }
            self.keys = keys
            price = keys.reduce(0) { $0 + $1.weight * Double(load($1) + 1) }
        case .all(let operands):
            let plans = operands.compactMap { AccessPlan($0, load: load) }
            guard let best = plans.min(by: { $0.price < $1.price }) else { return nil }
            self = best
        case .any(let operands):
            (keys, price) = ([], 0)
            for operand in operands {
                guard let plan = AccessPlan(operand, load: load) else { return nil }
                keys += plan.keys
                price += plan.price
                guard keys.count <= Self.keysMax else { return nil }
            }
        }
    }
}

extension Claim {
    fileprivate var keys: [AccessKey]? {
        switch test {
        case .isNull: [.isNull(field)]
        case .isBlank: [.isBlank(field)]
        case .equals(let keys): keys.map { .equality(field, $0) }
        case .range(let range): [.range(field, range)]
        case .other:
            if let prefix = test.prefix, let length = FieldColumn.prefixLengths.last(where: { $0 <= prefix.count }) {
                [.prefix(field, Array(prefix[..<length]))]
            } else {
                test.selections?.map { .selection(field, $0) }
            }
        }
    }

    /// Of negations only `= false` (it is "not `= true`"), which an empty field satisfies too.
    fileprivate var keysOfOpposite: [AccessKey]? {
        guard case .equals(let keys) = test, keys == [.boolean(true)] else { return nil }
        return [.equality(field, .boolean(false)), .isBlank(field)]
    }
}

extension AccessKey {
    /// Roughly how many records share a value, against a record id.
    fileprivate var weight: Double {
        switch self {
        case .equality(_, .text(let text)): text.form == .plain ? 32 : 1
        case .equality(_, .boolean): 4_096
        case .equality: 32
        case .isNull, .isBlank: 4_096
        case .range(_, let range): range.lower != nil && range.upper != nil ? 512 : 1_024
        case .prefix(_, let bytes): bytes.count >= 8 ? 64 : bytes.count >= 3 ? 128 : 512
        case .selection: 256
        }
    }
}
