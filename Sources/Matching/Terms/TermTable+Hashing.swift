internal import SOQL

/// Hashes of terms. Seeded by the process, so that nobody can choose texts that fall into one bucket.
extension TermTable {
    /// Of a text, prefix or selection. All forms of a text have the hash that a value equal to it has.
    static func hash(_ bytes: [UInt8], _ kind: Term.Kind, _ column: Int) -> UInt32 {
        bytes.withUnsafeBufferPointer { hash($0, kind, column) }
    }

    static func hash(_ bytes: UnsafeBufferPointer<UInt8>, _ kind: Term.Kind, _ column: Int) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(column)
        hasher.combine(kind)
        if kind == .text {
            TextValue.hash(bytes, into: &hasher)
        } else {
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    /// Dates and date-times have the hash of their day: a value of the other kind may equal them.
    static func hash(bits: UInt64, _ kind: Term.Kind, _ column: Int) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(column)
        if kind == .date || kind == .dateTime {
            hasher.combine(Term.Kind.date)
            hasher.combine(Day.start(of: Int64(bitPattern: bits)))
        } else {
            hasher.combine(kind)
            hasher.combine(bits)
        }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    static func hash(_ payload: (UInt64, UInt64, UInt64), _ column: Int) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(column)
        hasher.combine(payload.0)
        hasher.combine(payload.1)
        hasher.combine(payload.2)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    static func hash(_ claim: Claim, _ column: Int) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(column)
        hasher.combine(claim)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    /// A literal that is no text.
    static func bits(of key: EqualityKey) -> (Term.Kind, UInt64) {
        switch key {
        case .integer(let integer): (.integer, UInt64(bitPattern: integer))
        case .double(let double): (.double, double.bitPattern)
        case .boolean(let boolean): (.boolean, boolean ? 1 : 0)
        case .date(let milliseconds): (.date, UInt64(bitPattern: milliseconds))
        case .dateTime(let milliseconds): (.dateTime, UInt64(bitPattern: milliseconds))
        case .time(let milliseconds): (.time, UInt64(bitPattern: milliseconds))
        case .text: preconditionFailure("a text is not bits")
        }
    }
}
