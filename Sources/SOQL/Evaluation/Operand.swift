/// A literal, made ready for comparison with values of records.
enum Operand: Sendable {
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case text(TextOperand)
    case date(Int64)
    case dateTime(Int64)
    case time(Int64)

    /// Nil for null, which is no operand: tests on it are tests of their own.
    init?(_ literal: Value) {
        switch literal {
        case .null: return nil
        case .boolean(let boolean): self = .boolean(boolean)
        case .integer(let integer): self = .integer(integer)
        case .double(let double): self = .double(double)
        case .string(let string): self = .text(TextOperand(string))
        case .date(let milliseconds): self = .date(milliseconds)
        case .dateTime(let milliseconds): self = .dateTime(milliseconds)
        case .time(let milliseconds): self = .time(milliseconds)
        }
    }

    /// The order of a record's value to the literal; nil where the two types cannot be compared.
    ///
    /// A date and a date-time are compared by day (UTC), whichever of them is the literal.
    func order(of value: Value, isIdentifierField: Bool) -> Order? {
        switch (value, self) {
        case (.string(let value), .text(let text)): text.order(of: value, isIdentifierField: isIdentifierField)
        case (.boolean(let value), .boolean(let literal)): value == literal ? .equal : value ? .greater : .less
        case (.integer(let value), .integer(let literal)): Order(value, literal)
        case (.integer(let value), .double(let literal)): Self.order(value, literal)
        case (.double(let value), .integer(let literal)): Self.order(literal, value)?.reversed
        case (.double(let value), .double(let literal)): value.isNaN ? nil : Order(value, literal)
        case (.date(let value), .date(let literal)): Order(value, literal)
        case (.dateTime(let value), .dateTime(let literal)): Order(value, literal)
        case (.date(let value), .dateTime(let literal)), (.dateTime(let value), .date(let literal)):
            Order(CalendarDay.startOfDay(value), CalendarDay.startOfDay(literal))
        case (.time(let value), .time(let literal)): Order(value, literal)
        case (.null, _), (.boolean, _), (.integer, _), (.double, _), (.string, _), (.date, _), (.dateTime, _),
            (.time, _):
            nil
        }
    }

    /// Exact, also past 2^53, where converting the integer would round.
    private static func order(_ integer: Int64, _ double: Double) -> Order? {
        if double.isNaN { return nil }
        if double >= 0x1p63 { return .less }
        if double < -0x1p63 { return .greater }
        let whole = double.rounded(.towardZero)
        let order = Order(integer, Int64(whole))
        return order == .equal ? Order(whole, double) : order
    }
}

/// A text literal: folded, and as a record id where it can be one.
final class TextOperand: Sendable {
    let folded: FoldedText
    let identifier: RecordIdentifier?
    private let bytes: [UInt8]

    init(_ text: String) {
        folded = FoldedText(text)
        identifier = RecordIdentifier(text)
        bytes = Array(text.utf8)
    }

    func order(of value: String, isIdentifierField: Bool) -> Order {
        guard
            let identified = Self.withIdentifier(
                value, isIdentifierField: isIdentifierField, { self.order(ofIdentifier: $0) })
        else { return folded.order(of: value) }
        return identified
    }

    /// Runs `body` with the bytes of a value that is a record id: 18 characters with the right checksum, or 15 in a
    /// field whose name says that it holds an id. Nil for any other value.
    static func withIdentifier<Result>(
        _ value: String, isIdentifierField: Bool, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result? {
        switch value.utf8.count {
        case RecordIdentifier.fullLength:
            let result = value.utf8.withContiguousStorageIfAvailable { utf8 in
                RecordIdentifier.isFull(utf8) ? body(utf8) : nil
            }
            if let result { return result }
            guard let identifier = RecordIdentifier(value) else { return nil }
            return identifier.bytes.withUnsafeBufferPointer(body)
        case RecordIdentifier.shortLength where isIdentifierField:
            guard let identifier = RecordIdentifier(value) else { return nil }
            return identifier.bytes.withUnsafeBufferPointer(body)
        default: return nil
        }
    }

    private func order(ofIdentifier value: UnsafeBufferPointer<UInt8>) -> Order {
        let literal = identifier?.bytes ?? bytes
        if value.count == literal.count, value.elementsEqual(literal) { return .equal }
        return FoldedText.order(value, literal)
    }
}
