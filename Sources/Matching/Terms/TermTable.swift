internal import ChangeEvents
internal import SOQL

/// The terms of a channel's conditions, interned, and the fields they are about.
///
/// For one change at a time it is also what is known of the change: the values of the fields on both sides, read once, and
/// the truth of terms, judged once (`TermTable+Change`). Owned by one loop.
struct TermTable: ~Copyable {
    typealias Index = UInt32

    var terms = HashedRows<Term>(empty: Term())
    var columns: [FieldColumn] = []
    var intervals = IntervalTree()
    private var columnOfName: [FieldName: Int] = [:]
    private var freeColumns: [Int] = []
    private var tests: [(claim: Claim, test: FieldTest)?] = []
    private var freeTests: [Int] = []

    // The change under way.
    /// A field was looked at that is not the same on both sides.
    var hasMetDifference = false
    private(set) var before: RecordSource?
    private(set) var after: RecordSource?
    private(set) var hasBefore = false
    private(set) var hasAfter = false
    /// Two for each column.
    var sights: [Sight] = []
    var seenColumns: [Int] = []
    /// Terms with a memo.
    var listed: [Index] = []

    init() {}

    deinit {
        for index in 0..<terms.rows.limit where terms[index].references > 0 { Term.dispose(terms.address(index)) }
    }

    /// From here to the next call the change is this one; nil: none, and nothing is kept of the last.
    mutating func setSources(_ judge: Judge?) {
        before = judge?.before
        after = judge?.after
        hasBefore = before != nil
        hasAfter = after != nil
    }

    /// One more use of the term for a literal.
    mutating func acquire(_ key: EqualityKey, of field: FieldName) -> Index {
        let column = column(of: field)
        switch key {
        case .text(let text):
            return acquire(text.form.kind, column, hash: Self.hash(text.bytes, .text, column), bytes: text.bytes)
        case .integer, .double, .boolean, .date, .dateTime, .time:
            let (kind, bits) = Self.bits(of: key)
            return acquire(kind, column, hash: Self.hash(bits: bits, kind, column), payload: (bits, 0, 0))
        }
    }

    mutating func acquire(_ range: ValueRange, of field: FieldName) -> Index {
        let column = column(of: field)
        let payload = Term.payload(of: range)
        return acquire(.range, column, hash: Self.hash(payload, column), payload: payload)
    }

    /// `isNull` or `isBlank`.
    mutating func acquire(_ kind: Term.Kind, of field: FieldName) -> Index {
        let column = column(of: field)
        return acquire(kind, column, hash: Self.hash(bits: 0, kind, column), payload: (0, 0, 0))
    }

    /// A prefix (of one of the lengths) or a selection.
    mutating func acquire(_ kind: Term.Kind, bytes: [UInt8], of field: FieldName) -> Index {
        let column = column(of: field)
        return acquire(kind, column, hash: Self.hash(bytes, kind, column), bytes: bytes)
    }

    /// Any other claim.
    mutating func acquire(test: Comparison.Test, of field: FieldName) -> Index {
        let column = column(of: field)
        let claim = Claim(field: field, test: .other(test))
        let hash = Self.hash(claim, column)
        let found = terms.first(hash: hash) { term in
            term.pointee.kind == .test && tests[Int(term.pointee.payload.0)]?.claim == claim
        }
        if let found { return retain(found) }
        let number = freeTests.popLast() ?? tests.count
        if number == tests.count { tests.append(nil) }
        tests[number] = (claim, FieldTest(Comparison(field: field, test: test)))
        return insert(.test, column, hash: hash) { $0.pointee.payload.0 = UInt64(number) }
    }

    mutating func release(_ index: Index) {
        let term = terms.address(index)
        term.pointee.references -= 1
        guard term.pointee.references == 0 else { return }
        if term.pointee.kind == .test {
            let number = Int(term.pointee.payload.0)
            tests[number] = nil
            freeTests.append(number)
        }
        let column = Int(term.pointee.field)
        Term.dispose(term)
        terms.remove(index)
        columns[column].termCount -= 1
        guard columns[column].termCount == 0 else { return }
        columnOfName[columns[column].name] = nil
        freeColumns.append(column)
    }

    func test(_ term: borrowing Term) -> FieldTest {
        guard let test = tests[Int(term.payload.0)]?.test else {
            preconditionFailure("a term's test lives as long as the term")
        }
        return test
    }

    /// How many conditions are filed where a filing under this key would be.
    func load(_ key: AccessKey) -> Int {
        guard let column = columnOfName[key.field] else { return 0 }
        return find(key, column).map { Int(terms[$0].filed.count) } ?? 0
    }

    var largestFiling: Int {
        var largest: UInt32 = 0
        for index in 0..<terms.rows.limit where terms[index].references > 0 {
            largest = max(largest, terms[index].filed.count)
        }
        return Int(largest)
    }

    var bytes: Int {
        var heap = 0
        for index in 0..<terms.rows.limit where terms[index].references > 0 {
            heap += Term.heapBytes(terms.address(index))
        }
        return terms.bytes + intervals.bytes + heap
    }

    private func find(_ key: AccessKey, _ column: Int) -> Index? {
        switch key {
        case .equality(_, .text(let text)):
            find(text.form.kind, column, hash: Self.hash(text.bytes, .text, column), bytes: text.bytes)
        case .equality(_, let key):
            {
                let (kind, bits) = Self.bits(of: key)
                return find(kind, column, hash: Self.hash(bits: bits, kind, column), payload: (bits, 0, 0))
            }()
        case .isNull: find(.isNull, column, hash: Self.hash(bits: 0, .isNull, column), payload: (0, 0, 0))
        case .isBlank: find(.isBlank, column, hash: Self.hash(bits: 0, .isBlank, column), payload: (0, 0, 0))
        case .range(_, let range):
            {
                let payload = Term.payload(of: range)
                return find(.range, column, hash: Self.hash(payload, column), payload: payload)
            }()
        case .prefix(_, let bytes):
            find(.prefix, column, hash: Self.hash(bytes, .prefix, column), bytes: bytes)
        case .selection(_, let bytes):
            find(.selection, column, hash: Self.hash(bytes, .selection, column), bytes: bytes)
        }
    }

    private func find(_ kind: Term.Kind, _ column: Int, hash: UInt32, payload: (UInt64, UInt64, UInt64)) -> Index? {
        terms.first(hash: hash) { term in
            term.pointee.kind == kind && Int(term.pointee.field) == column && term.pointee.payload == payload
        }
    }

    private func find(_ kind: Term.Kind, _ column: Int, hash: UInt32, bytes: [UInt8]) -> Index? {
        terms.first(hash: hash) { term in
            term.pointee.kind == kind && Int(term.pointee.field) == column
                && Term.bytes(term).count == bytes.count && Term.bytes(term).elementsEqual(bytes)
        }
    }

    private mutating func acquire(
        _ kind: Term.Kind, _ column: Int, hash: UInt32, payload: (UInt64, UInt64, UInt64)
    ) -> Index {
        if let found = find(kind, column, hash: hash, payload: payload) { return retain(found) }
        return insert(kind, column, hash: hash) { $0.pointee.payload = payload }
    }

    private mutating func acquire(_ kind: Term.Kind, _ column: Int, hash: UInt32, bytes: [UInt8]) -> Index {
        if let found = find(kind, column, hash: hash, bytes: bytes) { return retain(found) }
        return insert(kind, column, hash: hash) { Term.setBytes(bytes, of: $0) }
    }

    private func retain(_ index: Index) -> Index {
        terms[index].references += 1
        return index
    }

    private mutating func insert(
        _ kind: Term.Kind, _ column: Int, hash: UInt32, _ fill: (UnsafeMutablePointer<Term>) -> Void
    ) -> Index {
        let index = terms.insert(hash: hash)
        let term = terms.address(index)
        term.pointee.kind = kind
        term.pointee.field = UInt32(column)
        term.pointee.references = 1
        fill(term)
        columns[column].termCount += 1
        return index
    }

    private mutating func column(of field: FieldName) -> Int {
        if let column = columnOfName[field] { return column }
        let column = freeColumns.popLast() ?? columns.count
        if column == columns.count {
            columns.append(FieldColumn(name: field))
            sights += [Sight(), Sight()]
        } else {
            columns[column] = FieldColumn(name: field)
        }
        columnOfName[field] = column
        return column
    }
}

extension TextKey.Form {
    var kind: Term.Kind {
        switch self {
        case .plain: .text
        case .shortIdentifier: .shortIdentifier
        case .fullIdentifier: .fullIdentifier
        }
    }
}
