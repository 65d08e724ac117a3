/// The values of an `IN` list, sorted: a record's value is looked up in logarithmic time and without a copy.
final class ValueList: Sendable {
    /// The list holds null (or the empty text, which is the same to Salesforce).
    let hasNull: Bool
    /// Sorted; all texts, or all of other kinds. Texts are sorted by their folded form.
    private let operands: [Operand]
    /// The texts that can be record ids, sorted bytewise.
    private let identifiers: [[UInt8]]

    init(_ values: [Value]) {
        hasNull = values.contains { $0 == .null || $0 == .string("") }
        let values = values.filter { $0 != .null && $0 != .string("") }
        operands = values.compactMap { value in Operand(value).map { (value, $0) } }
            .sorted { left, right in Self.precedes(left.0, right) }
            .map(\.1)
        identifiers = values.compactMap { value in
            if case .string(let text) = value { RecordIdentifier(text)?.bytes } else { nil }
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Nil where the value's type cannot be compared with the list's.
    func contains(_ value: Value, isIdentifierField: Bool) -> Bool? {
        if case .string(let text) = value, case .text? = operands.first {
            let identified = TextOperand.withIdentifier(text, isIdentifierField: isIdentifierField) { bytes in
                Self.search(identifiers.count) { FoldedText.order(bytes, identifiers[$0]) } == true
            }
            if let identified { return identified }
            return Self.search(operands.count) { index in
                guard case .text(let operand) = operands[index] else { return nil }
                return operand.folded.order(of: text)
            }
        }
        if operands.isEmpty { return false }
        return Self.search(operands.count) { operands[$0].order(of: value, isIdentifierField: false) }
    }

    /// Binary search. A list of date-times is sorted by day as well, so that a date can be looked up in it; lists that
    /// mix the two, which have no one order, are refused by the parser.
    private static func search(_ count: Int, _ order: (Int) -> Order?) -> Bool? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            guard let found = order(middle) else { return nil }
            switch found {
            case .equal: return true
            case .less: high = middle
            case .greater: low = middle + 1
            }
        }
        return false
    }

    private static func precedes(_ value: Value, _ other: (Value, Operand)) -> Bool {
        if case .string(let text) = value, case .text(let operand) = other.1 {
            return operand.folded.order(of: text) == .less
        }
        return other.1.order(of: value, isIdentifierField: false) == .less
    }
}
