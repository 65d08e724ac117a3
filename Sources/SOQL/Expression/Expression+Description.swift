extension Expression: CustomStringConvertible {
    /// Canonical SOQL text.
    package var description: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .comparison(let comparison): comparison.write(to: &text)
        case .and(let operands): Self.write(operands, joinedBy: " AND ", to: &text)
        case .or(let operands): Self.write(operands, joinedBy: " OR ", to: &text)
        case .not(let operand):
            text += "NOT "
            operand.writeAsOperand(to: &text)
        }
    }

    private static func write(_ operands: [Expression], joinedBy word: String, to text: inout String) {
        for (index, operand) in operands.enumerated() {
            if index > 0 { text += word }
            operand.writeAsOperand(to: &text)
        }
    }

    /// SOQL wants parentheses around everything but a comparison.
    private func writeAsOperand(to text: inout String) {
        if case .comparison(let comparison) = self {
            comparison.write(to: &text)
        } else {
            text += "("
            write(to: &text)
            text += ")"
        }
    }
}

extension Comparison {
    fileprivate func write(to text: inout String) {
        text += field.spelling
        switch test {
        case .compare(let operation, let value):
            text += " \(operation.rawValue) \(value.soqlText)"
        case .among(let values, let isNegated):
            text += isNegated ? " NOT IN (" : " IN ("
            text += values.map(\.soqlText).joined(separator: ", ") + ")"
        case .like(let pattern):
            text += " LIKE '\(pattern.soqlText)'"
        case .includes(let groups, let isNegated):
            text += isNegated ? " EXCLUDES (" : " INCLUDES ("
            text +=
                groups.map { "'\(Value.escaped($0.map(\.string).joined(separator: ";")))'" }.joined(separator: ", ")
                + ")"
        }
    }
}

extension LikePattern {
    var soqlText: String {
        elements.map { element in
            switch element {
            case .anyText: "%"
            case .anyCharacter: "_"
            case .text(let text):
                String(
                    String.UnicodeScalarView(
                        Value.escaped(text.string).unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                            scalar == "%" || scalar == "_" ? ["\\", scalar] : [scalar]
                        }))
            }
        }.joined()
    }
}

extension Value {
    /// The literal as SOQL writes it.
    package var soqlText: String {
        switch self {
        case .null: "null"
        case .boolean(let boolean): boolean ? "true" : "false"
        case .integer(let integer): String(integer)
        case .double(let double): String(double)
        case .string(let string): "'\(Self.escaped(string))'"
        case .date(let milliseconds): Self.dayText(milliseconds)
        case .dateTime(let milliseconds): "\(Self.dayText(milliseconds))T\(Self.clockText(milliseconds))Z"
        case .time(let milliseconds): "\(Self.clockText(milliseconds))Z"
        }
    }

    fileprivate static func escaped(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": scalars.append(contentsOf: "\\'".unicodeScalars)
            case "\\": scalars.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": scalars.append(contentsOf: "\\n".unicodeScalars)
            case "\r": scalars.append(contentsOf: "\\r".unicodeScalars)
            case "\t": scalars.append(contentsOf: "\\t".unicodeScalars)
            case "\u{8}": scalars.append(contentsOf: "\\b".unicodeScalars)
            case "\u{C}": scalars.append(contentsOf: "\\f".unicodeScalars)
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    private static func dayText(_ milliseconds: Int64) -> String {
        let day = CalendarDay(milliseconds: milliseconds)
        return "\(padded(day.year, 4))-\(padded(day.month, 2))-\(padded(day.day, 2))"
    }

    private static func clockText(_ milliseconds: Int64) -> String {
        let timeOfDay = Int(milliseconds - CalendarDay.startOfDay(milliseconds))
        let seconds = timeOfDay / 1_000
        let clock = "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        let fraction = timeOfDay % 1_000
        return fraction == 0 ? clock : "\(clock).\(padded(fraction, 3))"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
