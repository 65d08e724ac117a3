/// Words with a meaning in a condition; they compare without case and cannot be field names.
enum Keyword: String, CaseIterable {
    case and = "AND"
    case or = "OR"
    case not = "NOT"
    case `in` = "IN"
    case like = "LIKE"
    case includes = "INCLUDES"
    case excludes = "EXCLUDES"
    case null = "NULL"
    case `true` = "TRUE"
    case `false` = "FALSE"

    init?(_ name: String) {
        guard name.utf8.count <= 8 else { return nil }
        self.init(rawValue: name.uppercased())
    }
}

/// Date literals that depend on the day (`TODAY`, `LAST_N_DAYS:7`). A condition that stands for months has no "today"
/// that a change would be judged by (nothing changes at midnight, yet records would enter and leave), so they are
/// refused, as Salesforce refuses them in channel filters. They are known here so that the error can say so.
enum RelativeDate {
    static func isName(_ name: String) -> Bool {
        let name = name.uppercased()
        if days.contains(name) { return true }
        guard let underscore = name.firstIndex(of: "_") else { return false }
        let direction = name[..<underscore]
        var unit = name[name.index(after: underscore)...]
        if unit.hasPrefix("N_") { unit = unit.dropFirst(2) }
        if unit.hasSuffix("S_AGO") { unit = unit.dropLast(4) }
        return directions.contains(direction) && units.contains(unit)
    }

    private static let days: Set<String> = ["TODAY", "YESTERDAY", "TOMORROW"]
    private static let directions: Set<Substring> = ["LAST", "THIS", "NEXT", "N"]
    private static let units: Set<Substring> = [
        "DAYS", "WEEK", "WEEKS", "MONTH", "MONTHS", "QUARTER", "QUARTERS", "YEAR", "YEARS", "90_DAYS", "FISCAL_QUARTER",
        "FISCAL_QUARTERS", "FISCAL_YEAR", "FISCAL_YEARS",
    ]
}
