/// The display format of an automatic number: text around one place for the number, `{0000}` for at least four digits.
/// `{YYYY}`, `{YY}`, `{MM}` and `{DD}` are the day's.
struct AutoNumberFormat: Sendable, Hashable {
    /// Zeros in the place of the number: Salesforce's limit.
    static let digitsMax = 10

    private enum Part: Sendable, Hashable {
        case text(String)
        case number(digits: Int)
        case day(String)
    }

    private var parts: [Part] = []

    /// Nil unless the number has exactly one place.
    init?(_ format: String) {
        var rest = format[...]
        var numbers = 0
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { return nil }
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            let place = rest[rest.index(after: open)..<close]
            if (1...Self.digitsMax).contains(place.utf8.count), place.utf8.allSatisfy({ $0 == 0x30 }) {
                parts.append(.number(digits: place.utf8.count))
                numbers += 1
            } else if ["YYYY", "YY", "MM", "DD"].contains(place) {
                parts.append(.day(String(place)))
            } else {
                return nil
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        guard numbers == 1, !rest.contains("}") else { return nil }
    }

    /// `now` in milliseconds since 1970.
    func text(_ number: UInt64, now: Int64) -> String {
        let day = OrgTime.dateText(now)
        return parts.map { part -> String in
            switch part {
            case .text(let text): return text
            case .number(let digits):
                let text = String(number)
                return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
            case .day("YYYY"): return String(day.prefix(4))
            case .day("YY"): return String(day.prefix(4).suffix(2))
            case .day("MM"): return String(day.dropFirst(5).prefix(2))
            case .day: return String(day.suffix(2))
            }
        }.joined()
    }
}
