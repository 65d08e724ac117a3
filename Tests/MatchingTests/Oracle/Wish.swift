import ChangeEvents

/// A condition as the oracle has it: what it says is written a second time here, by the words of `docs/conditions.md`, with
/// nothing of the product but record ids and field values.
indirect enum Wish {
    case all([Wish])
    case any([Wish])
    case not(Wish)
    case claim(field: String, Claim)

    enum Claim {
        case compare(String, Literal)
        case among([Literal], isNegated: Bool)
        case like(String, isNegated: Bool)
        case includes([[String]], isNegated: Bool)
    }

    enum Literal {
        case null
        case boolean(Bool)
        case number(String)
        case text(String)
        /// Milliseconds, and how it is written.
        case date(Int64, String)
        case dateTime(Int64, String)
        case time(Int64, String)
    }

    /// SOQL.
    var text: String {
        switch self {
        case .all(let wishes): wishes.map(\.operandText).joined(separator: " AND ")
        case .any(let wishes): wishes.map(\.operandText).joined(separator: " OR ")
        case .not(let wish): "NOT \(wish.operandText)"
        case .claim(let field, let claim): "\(field) \(claim.text)"
        }
    }

    private var operandText: String {
        if case .claim = self { return text }
        return "(\(text))"
    }
}

extension Wish.Claim {
    var text: String {
        switch self {
        case .compare(let operation, let literal): "\(operation) \(literal.text)"
        case .among(let literals, let isNegated):
            "\(isNegated ? "NOT IN" : "IN") (\(literals.map(\.text).joined(separator: ", ")))"
        case .like(let pattern, _): "LIKE '\(pattern)'"
        case .includes(let groups, let isNegated):
            "\(isNegated ? "EXCLUDES" : "INCLUDES") "
                + "(\(groups.map { "'\($0.joined(separator: ";"))'" }.joined(separator: ", ")))"
        }
    }
}

extension Wish.Literal {
    var text: String {
        switch self {
        case .null: "null"
        case .boolean(let boolean): "\(boolean)"
        case .number(let text): text
        case .text(let text): "'\(text)'"
        case .date(_, let text), .dateTime(_, let text), .time(_, let text): text
        }
    }
}
