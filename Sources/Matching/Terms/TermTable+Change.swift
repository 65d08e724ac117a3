internal import SOQL

/// The change under way: what its record says of the terms.
extension TermTable {
    mutating func begin(_ judge: Judge) {
        setSources(judge)
    }

    mutating func end() {
        setSources(nil)
        for column in seenColumns {
            sights[2 * column].clear()
            sights[2 * column + 1].clear()
        }
        seenColumns.removeAll(keepingCapacity: true)
        for term in listed { terms[term].memo = [] }
        listed.removeAll(keepingCapacity: true)
    }

    /// Whether a formula is `yes` on each side.
    @inline(__always)
    mutating func holds(_ words: UnsafeBufferPointer<Formula.Word>) -> (before: Bool, after: Bool) {
        hasMetDifference = false
        let before = hasBefore && Formula.holds(words, on: .before, &self)
        // The same fields would be asked, and answer the same.
        if hasBefore, hasAfter, !hasMetDifference { return (before, before) }
        return (before, hasAfter && Formula.holds(words, on: .after, &self))
    }

    /// Lists the terms under which conditions can be found that hold on one of the sides: a superset.
    mutating func listAccesses() {
        for column in columns.indices where columns[column].isAccess {
            if hasBefore { listAccesses(column, .before) }
            if hasAfter, seen(column, .after) == .after { listAccesses(column, .after) }
        }
    }

    /// What a term says of a side. The side has a source.
    mutating func truth(_ index: Index, _ wanted: Side) -> Truth {
        let term = terms.address(index)
        let column = Int(term.pointee.field)
        let side = seen(column, wanted)
        let place = 2 * column + Int(side.rawValue)
        switch term.pointee.kind {
        case .text, .shortIdentifier, .fullIdentifier, .integer, .double, .boolean, .date, .dateTime, .time:
            probe(column, side)
            if term.pointee.memo.contains(.isHit(side)) { return .yes }
            return Self.canEqual(sights[place].kind, term.pointee.kind)
        case .isNull:
            switch sights[place].kind {
            case .unknown: return .unknown
            case .blank: return .yes
            case .boolean: return sights[place].value == .boolean(false) ? .yes : .no
            case .text, .number, .notANumber, .date, .dateTime, .time: return .no
            }
        case .isBlank:
            let kind = sights[place].kind
            return kind == .unknown ? .unknown : kind == .blank ? .yes : .no
        case .range, .test:
            if let truth = term.pointee.memo.truth(side) { return truth }
            let truth = term.pointee.kind == .range ? judgedRange(term, place) : judgedTest(term, place)
            list(index)
            term.pointee.memo = term.pointee.memo.with(truth, side)
            return truth
        case .prefix, .selection: preconditionFailure("formulas are made of claims")
        }
    }

    /// What a list of literals on one field says of a side: whether the value equals one of them. `list` is sorted.
    mutating func truth(ofOneIn list: UnsafeBufferPointer<Index>, _ wanted: Side) -> Truth {
        guard let first = list.first else { return .no }
        let column = Int(terms[first].field)
        let side = seen(column, wanted)
        let place = 2 * column + Int(side.rawValue)
        probe(column, side)
        for hit in sights[place].hits where Self.contains(list, hit) { return .yes }
        return Self.canEqual(sights[place].kind, terms[first].kind)
    }

    // MARK: Values

    /// Reads a field's values, once, and answers the side whose sight is to be looked at: most changes leave most fields as
    /// they were, and what is known of such a field before is known of it after.
    @inline(__always)
    private mutating func seen(_ column: Int, _ side: Side) -> Side {
        if !sights[2 * column].isRead { read(column) }
        if sights[2 * column + 1].isAsBefore { return .before }
        hasMetDifference = true
        return side
    }

    private mutating func read(_ column: Int) {
        seenColumns.append(column)
        let name = columns[column].name.spelling
        let values = (before?.value(of: name), after?.value(of: name))
        sights[2 * column].read(values.0)
        if hasBefore, hasAfter, Self.areSame(values.0, values.1) {
            sights[2 * column + 1].isAsBefore = true
        } else {
            sights[2 * column + 1].read(values.1)
        }
    }

    private static func areSame(_ left: Value?, _ right: Value?) -> Bool {
        if case .string(let left)? = left, case .string(let right)? = right {
            // By bytes, and at their pace.
            return left.utf8.count == right.utf8.count
                && (left.utf8.withContiguousStorageIfAvailable { left in
                    right.utf8.withContiguousStorageIfAvailable { left.elementsEqual($0) } ?? false
                } ?? false)
        }
        return left == right
    }

    private func judgedTest(_ term: UnsafeMutablePointer<Term>, _ place: Int) -> Truth {
        test(term.pointee).truth(of: sights[place].value)
    }

    private func judgedRange(_ term: UnsafeMutablePointer<Term>, _ place: Int) -> Truth {
        switch sights[place].kind {
        case .unknown: return .unknown
        case .blank: return .no
        case .text, .boolean, .notANumber: return .unknown
        case .number, .date, .dateTime, .time:
            if let number = sights[place].number,
                let truth = Term.truth(ofRange: term, number, sights[place].kind)
            {
                return truth
            }
            return sights[place].value.map { term.pointee.range.truth(of: $0) } ?? .unknown
        }
    }

    /// Of a value that does not equal the literal: whether it could, or is of another type.
    private static func canEqual(_ value: Sight.Kind, _ literal: Term.Kind) -> Truth {
        let isOfType: Bool
        switch value {
        case .unknown, .notANumber: return .unknown
        case .blank: return .no
        case .text: isOfType = literal.textForm != nil
        case .number: isOfType = literal == .integer || literal == .double
        case .boolean: isOfType = literal == .boolean
        case .date, .dateTime: isOfType = literal == .date || literal == .dateTime
        case .time: isOfType = literal == .time
        }
        return isOfType ? .no : .unknown
    }

    private static func contains(_ list: UnsafeBufferPointer<Index>, _ wanted: Index) -> Bool {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low < list.count && list[low] == wanted
    }

    // MARK: Finding terms by values

    private mutating func listAccesses(_ column: Int, _ wanted: Side) {
        let side = seen(column, wanted)
        let place = 2 * column + Int(side.rawValue)
        if columns[column].equalityCount > 0 { probe(column, side) }
        switch sights[place].kind {
        case .unknown, .blank, .boolean, .notANumber: break
        case .text:
            guard columns[column].hasPrefixes || columns[column].selectionCount > 0 else { break }
            if case .string(let text)? = sights[place].value { listTexts(text, column) }
        case .number, .date, .dateTime, .time:
            if columns[column].hasRanges, let value = sights[place].value { listRanges(value, column) }
        }
    }

    /// Finds the terms that the value equals, once.
    private mutating func probe(_ column: Int, _ side: Side) {
        let place = 2 * column + Int(side.rawValue)
        guard !sights[place].isProbed else { return }
        sights[place].isProbed = true
        guard let value = sights[place].value else { return }
        guard sights[place].kind != .blank else {
            hit(.isNull, 0, column, side)
            return hit(.isBlank, 0, column, side)
        }
        switch value {
        case .null: break
        case .string(let text):
            let isIdentifierField = columns[column].isIdentifierField
            TextValue.with(text, isIdentifierField: isIdentifierField) { hit($0, column, side) }
        case .boolean(let boolean):
            hit(.boolean, boolean ? 1 : 0, column, side)
            if !boolean { hit(.isNull, 0, column, side) }
        case .integer, .double, .time:
            guard let key = EqualityKey(value) else { return }
            let (kind, bits) = Self.bits(of: key)
            hit(kind, bits, column, side)
        case .date(let milliseconds): hitDays(milliseconds, isDay: true, column, side)
        case .dateTime(let milliseconds): hitDays(milliseconds, isDay: false, column, side)
        }
    }

    private mutating func hit(_ kind: Term.Kind, _ bits: UInt64, _ column: Int, _ side: Side) {
        let found = terms.first(hash: Self.hash(bits: bits, kind, column)) { term in
            term.pointee.kind == kind && Int(term.pointee.field) == column && term.pointee.payload.0 == bits
        }
        if let found { hit(found, column, side) }
    }

    private mutating func hit(_ value: TextValue, _ column: Int, _ side: Side) {
        var index = terms.first(hash: Self.hash(value.bytes, .text, column))
        while let found = index {
            let term = terms.address(found)
            if Int(term.pointee.field) == column, let form = term.pointee.kind.textForm,
                value.equals(form, Term.bytes(term))
            {
                hit(found, column, side)
            }
            index = terms.next(found)
        }
    }

    private mutating func hitDays(_ milliseconds: Int64, isDay: Bool, _ column: Int, _ side: Side) {
        let bits = UInt64(bitPattern: milliseconds)
        var index = terms.first(hash: Self.hash(bits: bits, .date, column))
        while let found = index {
            let term = terms[found]
            if Int(term.field) == column, term.kind == .date || term.kind == .dateTime {
                let isSameKind = (term.kind == .date) == isDay
                let literal = Int64(bitPattern: term.payload.0)
                // A date and a date-time are compared by day.
                if isSameKind ? literal == milliseconds : Day.start(of: literal) == Day.start(of: milliseconds) {
                    hit(found, column, side)
                }
            }
            index = terms.next(found)
        }
    }

    private mutating func hit(_ index: Index, _ column: Int, _ side: Side) {
        list(index)
        terms[index].memo.insert(.isHit(side))
        sights[2 * column + Int(side.rawValue)].hits.append(index)
    }

    private mutating func list(_ index: Index) {
        guard !terms[index].memo.contains(.isListed) else { return }
        terms[index].memo.insert(.isListed)
        listed.append(index)
    }

    private mutating func listTexts(_ text: String, _ column: Int) {
        FoldedText.withFolded(text) { folded in
            if columns[column].hasPrefixes {
                for (place, length) in FieldColumn.prefixLengths.enumerated()
                where columns[column].prefixCounts[place] > 0 && length <= folded.count {
                    list(.prefix, UnsafeBufferPointer(rebasing: folded[..<length]), column)
                }
            }
            if columns[column].selectionCount > 0 {
                for selected in folded.split(separator: UInt8(ascii: ";")) {
                    list(.selection, UnsafeBufferPointer(rebasing: selected), column)
                }
            }
        }
    }

    private mutating func list(_ kind: Term.Kind, _ bytes: UnsafeBufferPointer<UInt8>, _ column: Int) {
        let found = terms.first(hash: Self.hash(bytes, kind, column)) { term in
            term.pointee.kind == kind && Int(term.pointee.field) == column
                && Term.bytes(term).count == bytes.count && Term.bytes(term).elementsEqual(bytes)
        }
        if let found { list(found) }
    }

    private mutating func listRanges(_ value: Value, _ column: Int) {
        switch value {
        case .integer(let integer): listRanges(.number, Double(integer)...Double(integer), column)
        case .double(let double): listRanges(.number, double...double, column)
        case .time(let milliseconds): listRanges(.time, Double(milliseconds)...Double(milliseconds), column)
        // A day is compared with a date-time by the days of both, so it stands for all its instants there.
        case .date(let milliseconds):
            let start = Double(Day.start(of: milliseconds))
            listRanges(.date, start...Double(milliseconds), column)
            listRanges(.dateTime, start...(start + Double(Day.milliseconds - 1)), column)
        case .dateTime(let milliseconds):
            let start = Double(Day.start(of: milliseconds))
            listRanges(.date, start...start, column)
            listRanges(.dateTime, Double(milliseconds)...Double(milliseconds), column)
        case .null, .boolean, .string: break
        }
    }

    private mutating func listRanges(_ kind: ValueRange.Kind, _ points: ClosedRange<Double>, _ column: Int) {
        let root = columns[column].ranges[Int(kind.rawValue)]
        guard root != IntervalTree.none else { return }
        intervals.forEach(meeting: points, under: root) { term in
            guard !terms[term].memo.contains(.isListed) else { return }
            terms[term].memo.insert(.isListed)
            listed.append(term)
        }
    }
}

extension Term.Kind {
    var textForm: TextKey.Form? {
        switch self {
        case .text: .plain
        case .shortIdentifier: .shortIdentifier
        case .fullIdentifier: .fullIdentifier
        case .integer, .double, .boolean, .date, .dateTime, .time, .isNull, .isBlank, .range, .test, .prefix,
            .selection:
            nil
        }
    }
}
