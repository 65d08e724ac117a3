/// A part of a condition without which the condition cannot hold: the field equals one of a few texts. What an index of
/// conditions is keyed by.
package struct EqualityTerm: Sendable {
    package var field: FieldName
    /// The condition is `yes` on a record only if the key of the record's value is one of these.
    package var keys: [EqualityKey]
    /// All the texts are record ids: few records share a value, so that this is the best term to be found by.
    package var namesRecords: Bool
}

/// A text as equality sees it: two texts are equal in a condition exactly when they have a key in common. A literal
/// that can be a record id has two, because a record's value may be an id (compared bytewise) or a text of the same
/// letters.
package enum EqualityKey: Hashable, Sendable {
    case identifier([UInt8])
    case text([UInt8])

    /// Nil for an empty or unknown value and for one that is not a text: it equals no text.
    package init?(_ value: Value?, of field: FieldName) {
        guard case .string(let text)? = value, !text.isEmpty else { return nil }
        let isShortIdentifier = field.holdsIdentifier && text.utf8.count == RecordIdentifier.shortLength
        if isShortIdentifier || text.utf8.count == RecordIdentifier.fullLength, let identifier = RecordIdentifier(text)
        {
            self = .identifier(identifier.bytes)
        } else {
            self = .text(FoldedText.fold(text))
        }
    }

    fileprivate static func keys(ofLiteral text: String) -> [EqualityKey] {
        let folded = EqualityKey.text(FoldedText.fold(text))
        guard let identifier = RecordIdentifier(text) else { return [folded] }
        return [.identifier(identifier.bytes), folded]
    }
}

extension Condition {
    /// The condition's equality terms: those of its conjuncts that are `field = 'text'` or `field IN ('text', …)`.
    package var equalityTerms: [EqualityTerm] {
        let conjuncts: [Expression] = if case .and(let operands) = expression { operands } else { [expression] }
        return conjuncts.compactMap { conjunct in
            guard case .comparison(let comparison) = conjunct else { return nil }
            let values: [Value]
            switch comparison.test {
            case .compare(.equal, let value): values = [value]
            case .among(let list, isNegated: false): values = list
            case .compare, .among, .like, .includes: return nil
            }
            var keys: [EqualityKey] = []
            var namesRecords = true
            for value in values {
                // Null and the empty text equal what has no key.
                guard case .string(let text) = value, !text.isEmpty else { return nil }
                keys += EqualityKey.keys(ofLiteral: text)
                namesRecords = namesRecords && RecordIdentifier(text) != nil
            }
            return EqualityTerm(field: comparison.field, keys: keys, namesRecords: namesRecords)
        }
    }
}
