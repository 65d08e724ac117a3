import ChangeEvents

extension Wish {
    /// Whether it holds for a record; nil: that cannot be known.
    /// - Parameter value: of a field; nil where it is not known.
    func holds(_ value: (String) -> FieldValue?) -> Bool? {
        switch self {
        case .all(let wishes):
            let truths = wishes.map { $0.holds(value) }
            return truths.contains(false) ? false : truths.contains(nil) ? nil : true
        case .any(let wishes):
            let truths = wishes.map { $0.holds(value) }
            return truths.contains(true) ? true : truths.contains(nil) ? nil : false
        case .not(let wish): return wish.holds(value).map { !$0 }
        case .claim(let field, let claim):
            guard let known = value(field) else { return nil }
            return claim.holds(known, isIdentifierField: field.lowercased().hasSuffix("id"))
        }
    }
}

extension Wish.Claim {
    fileprivate func holds(_ value: FieldValue, isIdentifierField: Bool) -> Bool? {
        var value = value
        if case .list(let names) = value { value = names.isEmpty ? .null : .string(names.joined(separator: ";")) }
        if value == .string("") { value = .null }
        switch self {
        case .compare("=", .null): return value == .null || value == .boolean(false)
        case .compare("!=", .null): return !(value == .null || value == .boolean(false))
        case .compare("=", .boolean(let boolean)) where value == .null: return !boolean
        case .compare("!=", .boolean(let boolean)) where value == .null: return boolean
        case .compare(let operation, let literal):
            if value == .null { return operation == "!=" }
            guard let order = literal.order(of: value, isIdentifierField) else { return nil }
            switch operation {
            case "=": return order == 0
            case "!=": return order != 0
            case "<": return order < 0
            case "<=": return order <= 0
            case ">": return order > 0
            default: return order >= 0
            }
        case .among(let literals, let isNegated):
            let hasNull = literals.contains { if case .null = $0 { true } else { false } }
            if value == .null { return hasNull != isNegated }
            var isAmong = false
            for literal in literals {
                if case .null = literal { continue }
                guard let order = literal.order(of: value, isIdentifierField) else { return nil }
                if order == 0 { isAmong = true }
            }
            return isAmong != isNegated
        case .like(let pattern, let isNegated):
            if value == .null { return isNegated }
            guard case .string(let text) = value else { return nil }
            return Self.matches(Array(text.lowercased()), Array(pattern.lowercased())) != isNegated
        case .includes(let groups, let isNegated):
            if value == .null { return isNegated }
            guard case .string(let text) = value else { return nil }
            let selected = text.lowercased().split(separator: ";").map(String.init)
            let includes = groups.contains { $0.allSatisfy { selected.contains($0.lowercased()) } }
            return includes != isNegated
        }
    }

    private static func matches(_ text: [Character], _ pattern: [Character]) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = Array(pattern.dropFirst())
        if first == "%" { return (0...text.count).contains { matches(Array(text.dropFirst($0)), rest) } }
        guard let letter = text.first, first == "_" || first == letter else { return false }
        return matches(Array(text.dropFirst()), rest)
    }
}

extension Wish.Literal {
    /// Of a value to the literal: negative, 0, positive; nil where they are of different types.
    fileprivate func order(of value: FieldValue, _ isIdentifierField: Bool) -> Int? {
        func compare<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left == right ? 0 : 1 }
        func day(_ milliseconds: Int64) -> Int64 { Int64((Double(milliseconds) / 86_400_000).rounded(.down)) }
        switch (value, self) {
        case (.boolean(let left), .boolean(let right)): return left == right ? 0 : left ? 1 : -1
        case (.integer(let left), .number(let text)): return Double(text).map { compare(Double(left), $0) }
        case (.double(let left), .number(let text)): return Double(text).map { compare(left, $0) }
        case (.date(let left), .date(let right, _)), (.dateTime(let left), .dateTime(let right, _)),
            (.time(let left), .time(let right, _)):
            return compare(left, right)
        case (.date(let left), .dateTime(let right, _)), (.dateTime(let left), .date(let right, _)):
            return compare(day(left), day(right))
        case (.string(let left), .text(let right)):
            guard left.count == 18 || (left.count == 15 && isIdentifierField), let id = RecordID(left) else {
                return Self.compare(left.lowercased(), right.lowercased())
            }
            return Self.compare(id.string, RecordID(right)?.string ?? right)
        default: return nil
        }
    }

    /// By bytes.
    private static func compare(_ left: String, _ right: String) -> Int {
        if left.utf8.elementsEqual(right.utf8) { return 0 }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    }
}
