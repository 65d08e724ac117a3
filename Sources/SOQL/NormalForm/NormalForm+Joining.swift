extension NormalForm {
    /// All must hold.
    static func conjunction(of operands: [NormalForm]) -> NormalForm {
        var joint = Joint(operands, isNeutral: { _ in false }) { if case .all(let inner) = $0 { inner } else { nil } }
        if joint.operands.contains(.never) { return .never }
        joint.merge { first, second in
            switch (first, second) {
            case (.claim(let claim, false), .claim(let other, false)) where claim.field == other.field:
                claim.test.intersection(with: other.test).map { test in
                    test.map { .claim(Claim(field: claim.field, test: $0), isNegated: false) } ?? .never
                }
            case (.claim(let claim, true), .claim(let other, true)) where claim.field == other.field:
                claim.test.union(with: other.test)
                    .map { .claim(Claim(field: claim.field, test: $0), isNegated: true) }
            case (.claim(let claim, let isNegated), .claim(let other, let isOtherNegated)):
                isNegated != isOtherNegated && claim == other ? .never : nil
            case (.never, _), (_, .never): .never
            case (.claim, _), (.all, _), (.any, _): nil
            }
        }
        if joint.operands.contains(.never) { return .never }
        joint.absorb { if case .any(let inner) = $0 { inner } else { nil } }
        return joint.operands.count == 1 ? joint.operands[0] : .all(joint.operands)
    }

    /// One must hold.
    static func disjunction(of operands: [NormalForm]) -> NormalForm {
        var joint = Joint(operands, isNeutral: { $0 == .never }) { if case .any(let inner) = $0 { inner } else { nil } }
        joint.merge { first, second in
            guard case .claim(let claim, false) = first, case .claim(let other, false) = second,
                claim.field == other.field
            else { return nil }
            return claim.test.union(with: other.test)
                .map { .claim(Claim(field: claim.field, test: $0), isNegated: false) }
        }
        joint.absorb { if case .all(let inner) = $0 { inner } else { nil } }
        switch joint.operands.count {
        case 0: return .never
        case 1: return joint.operands[0]
        default: return .any(joint.operands)
        }
    }
}

/// Operands on their way into an `all` or `any`: flat and each once.
private struct Joint {
    /// Up to so many operands each is compared with each, which takes less than hashing them: nearly all conditions.
    private static let fewMax = 8

    var operands: [NormalForm] = []

    init(
        _ operands: [NormalForm], isNeutral: (NormalForm) -> Bool, inner: (NormalForm) -> [NormalForm]?
    ) {
        var seen: Set<NormalForm> = []
        for operand in operands where !isNeutral(operand) {
            for part in inner(operand) ?? [operand] {
                if self.operands.count == Self.fewMax, seen.isEmpty { seen = Set(self.operands) }
                let isNew = seen.isEmpty ? !self.operands.contains(part) : seen.insert(part).inserted
                if isNew { self.operands.append(part) }
            }
        }
    }

    /// Puts one claim in the place of two on the same field where `merged` knows how.
    mutating func merge(_ merged: (NormalForm, NormalForm) -> NormalForm?) {
        guard operands.count > 1, sharesFields else { return }
        // The last claim of a field and kind that others may join. Fields of a condition are few; claims may be many.
        var places: [MergeKey: Int] = [:]
        var result: [NormalForm] = []
        var seen: Set<NormalForm> = []
        for operand in operands {
            guard case .claim(let claim, let isNegated) = operand else {
                result.append(operand)
                continue
            }
            let key = MergeKey(field: claim.field, kind: claim.test.mergeKind, isNegated: isNegated)
            if let place = places[key], let one = merged(result[place], operand) {
                result[place] = one
            } else {
                places[key] = result.count
                result.append(operand)
            }
        }
        // A claim and its opposite.
        for operand in result {
            guard case .claim(let claim, let isNegated) = operand else { continue }
            let opposite = NormalForm.claim(claim, isNegated: !isNegated)
            if seen.contains(opposite), let one = merged(opposite, operand) { return operands = [one] }
            seen.insert(operand)
        }
        operands = result
    }

    /// Leaves out the operands that one beside them makes superfluous: `A AND (A OR B)`.
    mutating func absorb(_ inner: (NormalForm) -> [NormalForm]?) {
        guard operands.count > 1, operands.contains(where: { inner($0) != nil }) else { return }
        let present = Set(operands)
        operands.removeAll { operand in inner(operand)?.contains { present.contains($0) } ?? false }
    }

    /// Two claims are on one field, or there are too many to look.
    private var sharesFields: Bool {
        guard operands.count <= Self.fewMax else { return true }
        for (place, operand) in operands.enumerated() {
            guard case .claim(let claim, _) = operand else { continue }
            for other in operands[..<place] {
                if case .claim(let other, _) = other, other.field == claim.field { return true }
            }
        }
        return false
    }

    private struct MergeKey: Hashable {
        var field: FieldName
        var kind: Claim.MergeKind
        var isNegated: Bool
    }
}
