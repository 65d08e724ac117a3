internal import SOQL

/// A field that conditions of a channel use, and the ways in which conditions are found by it.
struct FieldColumn {
    let name: FieldName
    let isIdentifierField: Bool
    /// Terms on the field; 0: the column is free.
    var termCount = 0
    /// Terms of equality, null and blank under which conditions are filed.
    var equalityCount = 0
    var selectionCount = 0
    /// Prefixes by their length: one of `prefixLengths`.
    var prefixCounts = SIMD32<UInt32>(repeating: 0)
    /// The ranges under which conditions are filed, by kind.
    var ranges = SIMD4<UInt32>(repeating: IntervalTree.none)

    init(name: FieldName) {
        self.name = name
        isIdentifierField = name.holdsIdentifier
    }

    /// A pattern is found by as many of its first bytes: a value is looked up once for each of these lengths in use.
    static let prefixLengths = Array(1...24) + [28, 32]

    var hasPrefixes: Bool { prefixCounts != SIMD32(repeating: 0) }
    var hasRanges: Bool { ranges != SIMD4(repeating: IntervalTree.none) }
    /// Conditions are found by it.
    var isAccess: Bool { equalityCount > 0 || selectionCount > 0 || hasPrefixes || hasRanges }
}

/// What the change under way shows of a field on one side.
struct Sight {
    /// What a value can be compared with.
    enum Kind: UInt8 {
        case unknown, blank, text, number, notANumber, boolean, date, dateTime, time
    }

    var isRead = false
    /// Of the side after: the value is the one before, whose sight stands for both.
    var isAsBefore = false
    var isProbed = false
    var kind = Kind.unknown
    /// Nil: it is not known.
    var value: Value?
    /// A number, day or time as a double; nil where that is not exact.
    var number: Double?
    /// The equality terms that the value equals; two when an id was written in both of its lengths.
    var hits: [UInt32] = []

    mutating func read(_ value: Value?) {
        isRead = true
        self.value = value
        switch value {
        case nil: kind = .unknown
        case .null?: kind = .blank
        case .string(let text)?: kind = text.isEmpty ? .blank : .text
        case .boolean?: kind = .boolean
        case .integer(let integer)?: read(.number, integer)
        case .double(let double)?:
            kind = double.isNaN ? .notANumber : .number
            number = double
        case .date(let milliseconds)?: read(.date, milliseconds)
        case .dateTime(let milliseconds)?: read(.dateTime, milliseconds)
        case .time(let milliseconds)?: read(.time, milliseconds)
        }
    }

    mutating func clear() {
        isRead = false
        isAsBefore = false
        isProbed = false
        kind = .unknown
        value = nil
        number = nil
        hits.removeAll(keepingCapacity: true)
    }

    private mutating func read(_ kind: Kind, _ integer: Int64) {
        self.kind = kind
        number = Double(exactly: integer)
    }
}
