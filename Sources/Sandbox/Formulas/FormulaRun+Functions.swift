import ChangeEvents

extension FormulaRun {
    /// A function's value. The compiler has checked how many arguments there are and of what types; any may be blank.
    func call(_ function: FormulaFunction, _ arguments: [FormulaValue]) throws -> FormulaValue {
        switch function {
        case .isBlank: .boolean(arguments[0].isBlank)
        case .isNull: .boolean(arguments[0] == .blank)
        case .isNumber: .boolean(FormulaNumber.parse(Self.text(arguments[0])) != nil)
        case .text: .text(Self.shown(arguments[0]))
        case .value: try Self.number(Self.text(arguments[0]))
        case .left, .right, .middle, .length, .upper, .lower, .initialCapitals, .trim, .substitute, .contains, .begins,
            .find, .padLeft, .padRight, .reverse, .safeID, .lineBreak, .hyperlink, .image, .includes:
            try Self.textFunction(function, arguments)
        case .round, .truncate, .floor, .ceiling, .mathematicalFloor, .mathematicalCeiling, .absolute, .remainder,
            .minimum, .maximum, .squareRoot, .exponential, .naturalLogarithm, .logarithm, .pi:
            try Self.numberFunction(function, arguments)
        case .today: .date(Self.day(of: now))
        case .now: .dateTime(now)
        case .timeNow: .time(Self.timeOfDay(now))
        case .timeValue, .hour, .minute, .second, .millisecond: try Self.timeFunction(function, arguments[0])
        case .date, .dateValue, .dateTimeValue, .year, .month, .day, .weekday, .addMonths:
            try Self.dateFunction(function, arguments)
        }
    }

    /// What `TEXT()` makes of a value.
    private static func shown(_ value: FormulaValue) -> String {
        switch value {
        case .blank: ""
        case .boolean(let truth): truth ? "true" : "false"
        case .number(let number): FormulaNumber.text(number)
        case .text(let text): text
        case .date(let day): OrgTime.dateText(day)
        case .dateTime(let instant): shownInstant(instant)
        case .time(let time): String(OrgTime.timeText(time).dropLast())
        }
    }

    /// `2026-02-17 04:03:15Z`
    private static func shownInstant(_ instant: Int64) -> String {
        let text = OrgTime.dateTimeText(instant)
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + "Z"
    }

    private static func number(_ text: String) throws -> FormulaValue {
        let trimmed = Self.trimmed(text)
        if trimmed.isEmpty { return .blank }
        guard let value = FormulaNumber.parse(trimmed) else {
            throw FormulaEvaluationError.invalid("The text is not a number.")
        }
        return .number(value)
    }

    static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        var end = scalars.endIndex
        while end > scalars.startIndex {
            let before = scalars.index(before: end)
            guard scalars[before].properties.isWhitespace else { break }
            end = before
        }
        return String(scalars[scalars.startIndex..<end])
    }

    /// A whole number for a place, a length or a scale; what lies behind the point is cut off.
    static func count(_ value: FormulaValue) -> Int? {
        guard case .number(let number) = value else { return nil }
        let whole = FormulaNumber.significant(number).rounded(.towardZero)
        return Int(exactly: max(-countMax, min(countMax, whole)))
    }

    /// Far above any length, far below what overflows.
    private static let countMax = 1_000_000_000.0
}
