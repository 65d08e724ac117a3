/// A `SELECT`, parsed: what the text says, before anybody knows which objects there are. `QueryPlanner` gives it a
/// meaning. Places are byte offsets in the text; they take no part in comparisons.
package struct Query: Hashable, Sendable {
    package var items: [SelectItem]
    package var object: PlacedName
    package var alias: String?
    /// `USING SCOPE mine`
    package var scope: PlacedName?
    package var filter: Filter?
    package var grouping: [Term] = []
    package var having: Filter?
    package var order: [OrderTerm] = []
    package var limit: Int?
    package var offset: Int?
    package var offsetPlace = 0
    /// `FOR VIEW` or `FOR REFERENCE`: what is found becomes recent.
    package var isForView = false
    /// `ALL ROWS`
    package var includesDeleted = false
    /// Only the rows behind the one that has these values in the terms of `order`, one for each; nil: all rows. No text of
    /// SOQL asks for it. No two rows may have the same values in all terms (the record id is one of them), or rows are lost.
    package var after: [Value]?

    /// The whole text is one query. Text, nesting and number of comparisons are bounded (see `SyntaxLimits`).
    package init(_ text: String) throws(SOQLError) {
        var parser = try Parser(text, dialect: .query)
        self = try parser.parseQuery()
    }

    package init(items: [SelectItem], object: PlacedName) {
        self.items = items
        self.object = object
    }

    package static func == (left: Query, right: Query) -> Bool {
        left.items == right.items && left.object == right.object && left.alias == right.alias
            && left.scope == right.scope && left.filter == right.filter && left.grouping == right.grouping
            && left.having == right.having && left.order == right.order && left.limit == right.limit
            && left.offset == right.offset && left.includesDeleted == right.includesDeleted
            && left.after == right.after
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(items)
        hasher.combine(object)
        hasher.combine(filter)
    }
}

/// A name and where it stands. Names compare without case.
package struct PlacedName: Hashable, Sendable {
    package var spelling: String
    package var place: Int

    package init(spelling: String, place: Int) {
        self.spelling = spelling
        self.place = place
    }

    package var key: String { spelling.lowercased() }
    package static func == (left: PlacedName, right: PlacedName) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// One column of a `SELECT`.
package indirect enum SelectItem: Hashable, Sendable {
    case term(Term, alias: String?)
    /// `COUNT()`: the number of rows instead of rows.
    case rowCount(place: Int)
    /// `FIELDS(ALL)`
    case fieldGroup(FieldGroup, place: Int)
    case children(Query)
}

package enum FieldGroup: String, Hashable, Sendable {
    case all = "ALL"
    case standard = "STANDARD"
    case custom = "CUSTOM"
}

/// What stands for a value: a field, perhaps of a parent, or a function of one.
package indirect enum Term: Hashable, Sendable {
    case field(FieldPath)
    case call(FunctionCall)

    package var place: Int {
        switch self {
        case .field(let path): path.place
        case .call(let call): call.place
        }
    }

    /// As written.
    package var spelling: String {
        switch self {
        case .field(let path): path.spelling
        case .call(let call): "\(call.name)(\(call.argument?.spelling ?? ""))"
        }
    }
}

/// `Name`, `Owner.Name`, `a.Contact.Account.Name`.
package struct FieldPath: Hashable, Sendable {
    package var spelling: String
    package var place: Int

    package init(spelling: String, place: Int) {
        self.spelling = spelling
        self.place = place
    }

    package var names: [Substring] { spelling.split(separator: ".") }
    package var key: String { spelling.lowercased() }
    package static func == (left: FieldPath, right: FieldPath) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// `SUM(Amount)`, `CALENDAR_YEAR(CreatedDate)`.
package struct FunctionCall: Hashable, Sendable {
    /// As written.
    package var name: String
    package var argument: Term?
    package var place: Int

    package var key: String { name.uppercased() }
    package static func == (left: FunctionCall, right: FunctionCall) -> Bool {
        left.key == right.key && left.argument == right.argument
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(argument)
    }
}

package struct OrderTerm: Hashable, Sendable {
    package var term: Term
    package var isDescending = false
    /// SOQL's own order has nulls first, ascending or descending.
    package var nullsLast = false

    package init(term: Term, isDescending: Bool = false, nullsLast: Bool = false) {
        self.term = term
        self.isDescending = isDescending
        self.nullsLast = nullsLast
    }
}

extension Query {
    /// The object that the outermost FROM names, of a text that may be wrong elsewhere; nil when there is none to be found.
    package static func objectName(in text: String) -> String? {
        var depth = 0
        var isNext = false
        do {
            var lexer = try Lexer(text, dialect: .query)
            while true {
                let token = try lexer.next()
                switch token.kind {
                case .end: return nil
                case .open: depth += 1
                case .close: depth -= 1
                case .name:
                    let name = lexer.text(of: token.range)
                    if isNext { return name }
                    isNext = depth == 0 && name.uppercased() == "FROM"
                case .string, .literal, .comparison, .comma: break
                }
            }
        } catch {
            // Whoever parses the text says what is wrong with it.
            return nil
        }
    }
}
