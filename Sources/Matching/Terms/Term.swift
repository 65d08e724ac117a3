internal import SOQL

/// A claim that conditions of a channel make, once for all of them, or what such conditions are found by: a row.
///
/// 64 bytes. A text of up to 24 bytes (a record id has 18) lies in the row, a longer one on the heap.
struct Term: HashedRow {
    enum Kind: UInt8 {
        /// Equality, by the kind of the literal.
        case text, shortIdentifier, fullIdentifier, integer, double, boolean, date, dateTime, time
        /// `= null`, which a checkbox that is false equals, and `IN (null)`, which it does not.
        case isNull, isBlank
        case range
        /// Judged by a `FieldTest`, whose number is the payload.
        case test
        /// What `LIKE 'abc%'` and `INCLUDES` are found by; in no formula.
        case prefix, selection
    }

    /// What the change under way has shown of a term; 0 at any other time.
    struct Memo: OptionSet {
        let rawValue: UInt8
        static let isListed = Memo(rawValue: 1 << 7)
        /// The value before, or after, equals the literal.
        static func isHit(_ side: Side) -> Memo { Memo(rawValue: 1 << side.rawValue) }
        /// Two bits for each side: not judged yet, yes, no, unknown.
        func truth(_ side: Side) -> Truth? {
            switch rawValue >> (2 + 2 * side.rawValue) & 3 {
            case 1: .yes
            case 2: .no
            case 3: .unknown
            default: nil
            }
        }
        func with(_ truth: Truth, _ side: Side) -> Memo {
            let bits: UInt8 =
                switch truth {
                case .yes: 1
                case .no: 2
                case .unknown: 3
                }
            return Memo(rawValue: rawValue | bits << (2 + 2 * side.rawValue))
        }
    }

    static let bytesInPlace = 24

    var hash: UInt32 = 0
    var next: UInt32 = 0
    /// How often formulas and filings name it; 0: the row is free.
    var references: UInt32 = 0
    /// Number of its field.
    var field: UInt32 = 0
    var kind: Kind = .text
    var memo: Memo = []
    /// Bytes of a text, prefix or selection.
    var length: UInt16 = 0
    /// Bytes or where they are; a number; the bounds and the shape of a range.
    var payload: (UInt64, UInt64, UInt64) = (0, 0, 0)
    /// Conditions that are filed here: they can hold only where this term does.
    var filed = ShortList<Filing>()
}

/// The record before the change, or after.
enum Side: UInt8, CaseIterable {
    case before, after
}

/// A condition as it stands in a term's list.
struct Filing: BitwiseCopyable {
    /// Number of the condition.
    var condition: UInt32
    /// Which of the condition's filings this is.
    var ordinal: UInt32
}

extension Term {
    /// The bytes of a text, prefix or selection, where they lie.
    static func bytes(_ term: UnsafeMutablePointer<Term>) -> UnsafeBufferPointer<UInt8> {
        let length = Int(term.pointee.length)
        if length > bytesInPlace {
            return UnsafeBufferPointer(start: UnsafePointer(bitPattern: UInt(term.pointee.payload.0)), count: length)
        }
        let start = withUnsafeMutablePointer(to: &term.pointee.payload) { UnsafeRawPointer($0) }
        return UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: length)
    }

    static func setBytes(_ bytes: [UInt8], of term: UnsafeMutablePointer<Term>) {
        // A text of a condition has 4,000 characters at most, an index's prefix 32 bytes.
        precondition(bytes.count <= Int(UInt16.max), "no text of a condition is that long")
        term.pointee.length = UInt16(bytes.count)
        if bytes.count > bytesInPlace {
            let heap = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
            heap.initialize(from: bytes, count: bytes.count)
            term.pointee.payload.0 = UInt64(UInt(bitPattern: heap))
        } else {
            withUnsafeMutableBytes(of: &term.pointee.payload) { $0.copyBytes(from: bytes) }
        }
    }

    /// Gives back what the row owns on the heap.
    static func dispose(_ term: UnsafeMutablePointer<Term>) {
        if term.pointee.length > bytesInPlace {
            UnsafeMutablePointer<UInt8>(bitPattern: UInt(term.pointee.payload.0))?.deallocate()
            term.pointee.length = 0
        }
        term.pointee.filed.removeAll()
    }

    static func heapBytes(_ term: UnsafeMutablePointer<Term>) -> Int {
        (term.pointee.length > bytesInPlace ? Int(term.pointee.length) : 0) + term.pointee.filed.heapBytes
    }
}

extension Term {
    /// A range in three words: its bounds' bits, and which of them there are and what they are.
    static func payload(of range: ValueRange) -> (UInt64, UInt64, UInt64) {
        func bits(_ bound: ValueRange.Bound?, shift: UInt64) -> (UInt64, UInt64) {
            guard let bound else { return (0, 0) }
            let shape: UInt64 = (1 | (bound.isInclusive ? 2 : 0)) << shift
            return switch bound.point {
            case .integer(let integer): (UInt64(bitPattern: integer), shape)
            case .double(let double): (double.bitPattern, shape | 4 << shift)
            }
        }
        let (lower, lowerShape) = bits(range.lower, shift: 8)
        let (upper, upperShape) = bits(range.upper, shift: 16)
        return (lower, upper, UInt64(range.kind.rawValue) | lowerShape | upperShape)
    }

    var range: ValueRange {
        func bound(_ bits: UInt64, _ shape: UInt64) -> ValueRange.Bound? {
            guard shape & 1 != 0 else { return nil }
            let point: ValueRange.Point =
                shape & 4 != 0 ? .double(Double(bitPattern: bits)) : .integer(Int64(bitPattern: bits))
            return ValueRange.Bound(point: point, isInclusive: shape & 2 != 0)
        }
        guard let kind = ValueRange.Kind(rawValue: UInt8(truncatingIfNeeded: payload.2)) else {
            preconditionFailure("a range's payload holds its kind")
        }
        return ValueRange(
            kind: kind, lower: bound(payload.0, payload.2 >> 8), upper: bound(payload.1, payload.2 >> 16))
    }

    /// What a range says of an exact number of a kind, without making anything; nil where that needs more than a comparison
    /// of two doubles: an inexact bound, or a day with an instant.
    static func truth(ofRange term: UnsafeMutablePointer<Term>, _ number: Double, _ kind: Sight.Kind) -> Truth? {
        let shape = term.pointee.payload.2
        switch (ValueRange.Kind(rawValue: UInt8(truncatingIfNeeded: shape)), kind) {
        case (.number, .number), (.date, .date), (.dateTime, .dateTime), (.time, .time): break
        default: return nil
        }
        func bound(_ bits: UInt64, _ shape: UInt64) -> Double? {
            shape & 4 != 0 ? Double(bitPattern: bits) : Double(exactly: Int64(bitPattern: bits))
        }
        if shape >> 8 & 1 != 0 {
            guard let lower = bound(term.pointee.payload.0, shape >> 8) else { return nil }
            if number < lower || number == lower && shape >> 8 & 2 == 0 { return .no }
        }
        if shape >> 16 & 1 != 0 {
            guard let upper = bound(term.pointee.payload.1, shape >> 16) else { return nil }
            if number > upper || number == upper && shape >> 16 & 2 == 0 { return .no }
        }
        return .yes
    }
}
