/// A literal as equality sees it: literals with the same key equal the same values.
package enum EqualityKey: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case text, number, boolean, date, dateTime, time
    }

    case text(TextKey)
    /// Also a double without a fraction.
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case date(Int64)
    case dateTime(Int64)
    case time(Int64)

    /// Nil for null and the empty text, which are no values, and for what is not a number.
    package init?(_ value: Value) {
        switch value {
        case .null: return nil
        case .string(let text):
            if text.isEmpty { return nil }
            self = .text(TextKey(text))
        case .boolean(let boolean): self = .boolean(boolean)
        case .integer(let integer): self = .integer(integer)
        case .double(let double):
            if double.isNaN { return nil }
            self = Int64(exactly: double).map { .integer($0) } ?? .double(double)
        case .date(let milliseconds): self = .date(milliseconds)
        case .dateTime(let milliseconds): self = .dateTime(milliseconds)
        case .time(let milliseconds): self = .time(milliseconds)
        }
    }

    package var kind: Kind {
        switch self {
        case .text: .text
        case .integer, .double: .number
        case .boolean: .boolean
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        }
    }

    /// Whether one value can equal both.
    func canCoincide(with other: EqualityKey) -> Bool {
        if self == other { return true }
        return switch (self, other) {
        case (.text(let text), .text(let other)): text.canCoincide(with: other)
        case (.date(let day), .date(let other)), (.date(let day), .dateTime(let other)),
            (.dateTime(let day), .date(let other)), (.dateTime(let day), .dateTime(let other)):
            Day.start(of: day) == Day.start(of: other)
        case (.text, _), (.integer, _), (.double, _), (.boolean, _), (.date, _), (.dateTime, _), (.time, _): false
        }
    }
}

extension EqualityKey: Comparable {
    /// An order without meaning, the same in every run.
    package static func < (left: EqualityKey, right: EqualityKey) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)):
            left.bytes == right.bytes
                ? left.form.rawValue < right.form.rawValue : left.bytes.lexicographicallyPrecedes(right.bytes)
        case (.integer(let left), .integer(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.boolean(let left), .boolean(let right)): !left && right
        case (.date(let left), .date(let right)), (.dateTime(let left), .dateTime(let right)),
            (.time(let left), .time(let right)):
            left < right
        case (.text, _), (.integer, _), (.double, _), (.boolean, _), (.date, _), (.dateTime, _), (.time, _):
            left.rank < right.rank
        }
    }

    private var rank: Int {
        if case .double = self { return 6 }
        return Int(kind.rawValue)
    }
}

/// A text literal as equality sees it: without case, and as a record id where it can be one.
package struct TextKey: Hashable, Sendable {
    package enum Form: UInt8, Hashable, Sendable {
        /// No id: `bytes` are the folded text.
        case plain
        /// Written with 15 characters. It equals the id, and where a value is no id the same 15 letters.
        case shortIdentifier
        case fullIdentifier
    }

    package let form: Form
    /// The folded text, or the 18 bytes of the id.
    package let bytes: [UInt8]

    package init(_ literal: String) {
        if let identifier = RecordIdentifier(literal) {
            form = literal.utf8.count == RecordIdentifier.shortLength ? .shortIdentifier : .fullIdentifier
            bytes = identifier.bytes
        } else {
            form = .plain
            bytes = FoldedText.fold(literal)
        }
    }

    /// As an array the bytes would be hashed one by one.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(form)
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    fileprivate func canCoincide(with other: TextKey) -> Bool {
        if form != .plain, other.form != .plain, bytes == other.bytes { return true }
        return foldedText == other.foldedText
    }

    private var foldedText: [UInt8] {
        switch form {
        case .plain: bytes
        case .shortIdentifier: bytes.prefix(RecordIdentifier.shortLength).map(FoldedText.lower)
        case .fullIdentifier: bytes.map(FoldedText.lower)
        }
    }
}

/// A record's text as equality sees it, lent: the 18 bytes of an id, or the folded text.
package struct TextValue {
    package let bytes: UnsafeBufferPointer<UInt8>
    package let isIdentifier: Bool

    /// - Parameter isIdentifierField: the field's name says that it holds an id, so that 15 characters can be one.
    package static func with<Result>(
        _ text: String, isIdentifierField: Bool, _ body: (TextValue) -> Result
    ) -> Result {
        let identified = TextOperand.withIdentifier(text, isIdentifierField: isIdentifierField) { bytes in
            body(TextValue(bytes: bytes, isIdentifier: true))
        }
        if let identified { return identified }
        return FoldedText.withFolded(text) { body(TextValue(bytes: $0, isIdentifier: false)) }
    }

    /// Whether it equals a literal of this form and these bytes (`TextKey`).
    package func equals(_ form: TextKey.Form, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        if isIdentifier { return form != .plain && Self.areSame(bytes, key) }
        switch form {
        case .plain: return Self.areSame(bytes, key)
        case .shortIdentifier:
            return bytes.count == RecordIdentifier.shortLength && Self.areSame(bytes, folding: key)
        case .fullIdentifier: return bytes.count == RecordIdentifier.fullLength && Self.areSame(bytes, folding: key)
        }
    }

    /// The same for a key and every value that equals it. 15 and 18 letters and digits count by their first 15 without
    /// case: that is what an id and a text of the same letters have in common.
    package static func hash(_ bytes: UnsafeBufferPointer<UInt8>, into hasher: inout Hasher) {
        guard RecordIdentifier.isSpelledLikeOne(bytes) else {
            return hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        for index in 0..<8 { low = low << 8 | UInt64(FoldedText.lower(bytes[index])) }
        for index in 8..<RecordIdentifier.shortLength { high = high << 8 | UInt64(FoldedText.lower(bytes[index])) }
        hasher.combine(low)
        hasher.combine(high)
    }

    private static func areSame(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        left.count == right.count && left.elementsEqual(right)
    }

    /// `folded` is the shorter one or as long.
    private static func areSame(
        _ folded: UnsafeBufferPointer<UInt8>, folding key: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        for index in folded.indices where folded[index] != FoldedText.lower(key[index]) { return false }
        return true
    }
}

/// Days, in UTC.
package enum Day {
    /// 00:00 of an instant's day, all in milliseconds since 1970.
    package static func start(of milliseconds: Int64) -> Int64 { CalendarDay.startOfDay(milliseconds) }

    package static let milliseconds = CalendarDay.millisecondsPerDay
}
