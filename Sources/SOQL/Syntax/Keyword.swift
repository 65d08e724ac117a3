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
