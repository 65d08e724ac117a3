internal import SOQL

/// Conditions as formulas, and the filing of conditions under terms.
extension TermTable {
    /// The formula of a form; every term that it names has one more use for each time it does.
    mutating func formula(of form: NormalForm) -> [Formula.Word] {
        switch form {
        case .never: return [Formula.never]
        case .claim(let claim, let isNegated): return formula(of: claim, isNegated: isNegated)
        case .all(let operands): return group(operands, isAny: false)
        case .any(let operands): return group(operands, isAny: true)
        }
    }

    mutating func release(_ words: UnsafeBufferPointer<Formula.Word>) {
        Formula.forEachTerm(words) { release($0) }
    }

    /// Files a condition under a key; answers the term and the place in its list.
    mutating func file(_ filing: Filing, under key: AccessKey) -> (term: Index, place: UInt32) {
        let index: Index
        switch key {
        case .equality(let field, let key): index = acquire(key, of: field)
        case .isNull(let field): index = acquire(.isNull, of: field)
        case .isBlank(let field): index = acquire(.isBlank, of: field)
        case .range(let field, let range): index = acquire(range, of: field)
        case .prefix(let field, let bytes): index = acquire(.prefix, bytes: bytes, of: field)
        case .selection(let field, let bytes): index = acquire(.selection, bytes: bytes, of: field)
        }
        let term = terms.address(index)
        if term.pointee.filed.isEmpty { countAccess(index, isNew: true) }
        term.pointee.filed.append(filing)
        return (index, term.pointee.filed.count - 1)
    }

    /// Takes a condition out of a term's list; answers the one that has taken its place there.
    mutating func unfile(_ index: Index, at place: UInt32) -> Filing? {
        let moved = terms.address(index).pointee.filed.remove(at: Int(place))
        if terms[index].filed.isEmpty { countAccess(index, isNew: false) }
        release(index)
        return moved
    }

    private mutating func group(_ operands: [NormalForm], isAny: Bool) -> [Formula.Word] {
        var parts: [[Formula.Word]] = []
        for operand in operands { parts.append(formula(of: operand)) }
        parts.sort { $0.lexicographicallyPrecedes($1) }
        var words = [Formula.group(isAny: isAny, length: parts.reduce(0) { $0 + $1.count })]
        for part in parts { words += part }
        return words
    }

    private mutating func formula(of claim: Claim, isNegated: Bool) -> [Formula.Word] {
        let term: Index
        switch claim.test {
        case .isNull: term = acquire(.isNull, of: claim.field)
        case .isBlank: term = acquire(.isBlank, of: claim.field)
        case .range(let range): term = acquire(range, of: claim.field)
        case .other(let test): term = acquire(test: test, of: claim.field)
        case .equals(let keys):
            var list: [Index] = []
            for key in keys { list.append(acquire(key, of: claim.field)) }
            guard list.count > 1 else { return [Formula.claim(list[0], isNegated: isNegated)] }
            return [Formula.list(isNegated: isNegated, count: list.count)] + list.sorted()
        }
        return [Formula.claim(term, isNegated: isNegated)]
    }

    /// The first condition was filed under a term, or the last one taken away.
    private mutating func countAccess(_ index: Index, isNew: Bool) {
        let term = terms.address(index)
        let column = Int(term.pointee.field)
        let change = isNew ? 1 : -1
        switch term.pointee.kind {
        case .text, .shortIdentifier, .fullIdentifier, .integer, .double, .boolean, .date, .dateTime, .time, .isNull,
            .isBlank:
            columns[column].equalityCount += change
        case .selection: columns[column].selectionCount += change
        case .prefix:
            guard let place = FieldColumn.prefixLengths.firstIndex(of: Int(term.pointee.length)) else {
                preconditionFailure("a prefix has one of the lengths")
            }
            columns[column].prefixCounts[place] = UInt32(Int(columns[column].prefixCounts[place]) + change)
        case .range:
            let range = term.pointee.range
            let kind = Int(range.kind.rawValue)
            if isNew {
                intervals.insert(index, range.span, into: &columns[column].ranges[kind])
            } else {
                intervals.remove(index, range.span, from: &columns[column].ranges[kind])
            }
        case .test: preconditionFailure("no condition is filed under a test")
        }
    }
}
