/// One claim about one field, in the one way in which it is written.
package struct Claim: Hashable, Sendable {
    package enum Test: Hashable, Sendable {
        /// `= null`: the field is empty, or a checkbox that is false.
        case isNull
        /// `IN (null)`: the field is empty.
        case isBlank
        /// The field equals one of these. Sorted, not empty, of one kind.
        case equals([EqualityKey])
        case range(ValueRange)
        /// `LIKE`, `INCLUDES` (never `EXCLUDES`), and the order of texts.
        case other(Comparison.Test)
    }

    package var field: FieldName
    package var test: Test

    package init(field: FieldName, test: Test) {
        self.field = field
        self.test = test
    }
}

extension Claim {
    /// Claims on a field that can become one claim.
    enum MergeKind: Hashable {
        case equality(EqualityKey.Kind)
        case range(ValueRange.Kind)
        case none
    }
}

extension Claim.Test {
    var mergeKind: Claim.MergeKind {
        switch self {
        case .equals(let keys): keys.first.map { .equality($0.kind) } ?? .none
        case .range(let range): .range(range.kind)
        case .isNull, .isBlank, .other: .none
        }
    }

    /// One test for where both hold; nil: there is none, `.some(nil)`: both never hold.
    func intersection(with other: Claim.Test) -> Claim.Test?? {
        switch (self, other) {
        case (.equals(let keys), .equals(let others)):
            // Comparing each with each must not be a way to keep a loop busy.
            guard keys.count * others.count <= 4_096 else { return nil }
            // Two keys may be different and yet equal one value: ids of 15 and 18 characters, instants of one day.
            let forms = Set(others)
            let isExact = keys.allSatisfy { key in
                forms.contains(key) || !others.contains { key.canCoincide(with: $0) }
            }
            guard isExact else { return nil }
            let common = keys.filter { forms.contains($0) }
            return .some(common.isEmpty ? nil : .equals(common))
        case (.range(let range), .range(let other)):
            guard range.kind != .dateTime, range.kind == other.kind else { return nil }
            let common = range.intersection(with: other)
            return .some(common.isEmpty ? nil : .range(common))
        case (.isNull, _), (.isBlank, _), (.equals, _), (.range, _), (.other, _): return nil
        }
    }

    /// One test for where one of them holds; nil: there is none.
    func union(with other: Claim.Test) -> Claim.Test? {
        guard case .equals(let keys) = self, case .equals(let others) = other else { return nil }
        return .equals(Set(keys + others).sorted())
    }
}

extension Claim.Test {
    /// What stands before the first `%` or `_` of a pattern, folded: every value that is `LIKE` it begins so. Nil for
    /// other tests and where nothing does.
    package var prefix: [UInt8]? {
        guard case .other(.like(let pattern)) = self, case .text(let text)? = pattern.elements.first else { return nil }
        return FoldedText.fold(text.string)
    }

    /// Of an `INCLUDES` the value of each group that is the least likely to be selected (the longest), folded: a value
    /// that includes a group has it. Nil for other tests.
    package var selections: [[UInt8]]? {
        guard case .other(.includes(let groups, isNegated: false)) = self else { return nil }
        return groups.map { group in
            group.map { FoldedText.fold($0.string) }.max { $0.count < $1.count } ?? []
        }
    }
}
