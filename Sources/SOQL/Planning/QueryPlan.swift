/// A query ready to run: SQL with its parameters, and what the columns mean. Immutable.
///
/// In all texts `?1`, `?2`, … are `parameters`; column 0 is the row's number and column 1 its record id, unless the plan
/// is of aggregates.
package struct QueryPlan: Sendable {
    package enum Kind: Sendable {
        /// Records of the object, with its parents and children.
        case records
        /// One row per group.
        case aggregates
        /// The number of rows.
        case rowCount
    }

    package var kind: Kind
    /// API name of the object in FROM.
    package var object: String
    package var columns: [PlannedColumn] = []
    /// What was asked for, in the order of the query, as Bulk heads it: `Owner.Name`.
    package var headings: [(name: String, column: Int)] = []
    /// Compound fields that were asked for: Bulk refuses them.
    package var compounds: [String] = []
    /// The members of each answered record, in order.
    package var members: [PlannedMember] = []
    package var parameters: [Value] = []
    /// Parameters that are a quoted text of the query as it stands there.
    var quoted: [QuotedParameter] = []
    /// Fields that `soql_derived(n, id)` in the text stands for.
    package var derived: [(object: String, field: String)] = []
    package var children: [QueryPlan] = []
    /// For a plan of children: the parameter (from 1) that is the parent's id.
    package var parentParameter: Int?
    /// What is found becomes recent (`FOR VIEW`, `FOR REFERENCE`).
    package var isForView = false
    /// Deleted records are among the rows.
    package var includesDeleted = false
    /// Depends on the day it was planned on.
    package var dependsOnNow = false
    /// Every object whose table is read.
    package var objects: Set<String> = []

    // The text, in parts, so that pages of the same rows can be had.
    package var selectList = ""
    package var from = ""
    package var condition = ""
    package var grouping = ""
    package var order = ""
    package var limit: Int?
    package var offset: Int?
    /// Where there is no order of the query's own.
    package var hasOrder: Bool { !order.isEmpty }

    /// All rows, as the query says.
    package var sql: String { sealedSQL ?? madeSQL }

    /// Set when the plan is complete: a plan that is kept makes its text once.
    var sealedSQL: String?

    package mutating func seal() {
        sealedSQL = madeSQL
        for index in children.indices { children[index].seal() }
    }

    private var madeSQL: String {
        let body = "FROM \(from)\(condition)\(grouping)"
        guard kind == .rowCount else { return "SELECT \(selectList) \(body)\(order)\(limitation)" }
        return limit == nil && offset == nil
            ? "SELECT count(*) \(body)" : "SELECT count(*) FROM (SELECT 1 \(body)\(limitation))"
    }

    /// The row numbers of all rows, in their order.
    package var numbersSQL: String { "SELECT t0.id FROM \(from)\(condition)\(order)\(limitation)" }

    /// One row by its number, the parameter after the plan's own. What has left the result since is not found only where it
    /// is deleted.
    package var rowSQL: String {
        "SELECT \(selectList) FROM \(from) WHERE t0.id = ?\(parameters.count + 1)"
            + (includesDeleted ? "" : " AND t0.isdeleted = 0")
    }

    /// Rows with numbers above the parameter after the plan's own, by number; the next parameter is how many.
    package var followingSQL: String {
        let above = "t0.id > ?\(parameters.count + 1)"
        let filter = condition.isEmpty ? " WHERE \(above)" : "\(condition) AND \(above)"
        return "SELECT \(selectList) FROM \(from)\(filter) ORDER BY t0.id LIMIT ?\(parameters.count + 2)"
    }

    /// Rows in the query's order, the two parameters after the plan's own saying how many and from which on.
    package var sliceSQL: String {
        "SELECT \(selectList) FROM \(from)\(condition)\(order) LIMIT ?\(parameters.count + 1) OFFSET ?\(parameters.count + 2)"
    }

    private var limitation: String {
        switch (limit, offset) {
        case (nil, nil): ""
        case (let limit?, nil): " LIMIT \(limit)"
        case (let limit, let offset?): " LIMIT \(limit ?? -1) OFFSET \(offset)"
        }
    }
}

/// A parameter that can be exchanged when the same query comes with another text in its place.
struct QuotedParameter: Sendable {
    /// Index in the plan's parameters.
    var index: Int
    /// The operator's right side, as a byte offset in the query: the text itself, or the parenthesis of its list.
    var place: Int
    /// Which of the list's texts; nil: it stands alone.
    var listIndex: Int?
    /// It is compared as a record id.
    var isIdentifier: Bool
    /// Which of all quoted texts of the query; nil until the plan is opened.
    var text: Int?
}

package struct PlannedColumn: Sendable {
    package var type: QueryType
}

/// One member of an answered record.
package struct PlannedMember: Sendable {
    package indirect enum Content: Sendable {
        case column(Int)
        /// An object of columns, null where all are.
        case compound([(name: String, column: Int)])
        /// A nested record, null where it has no id.
        case parent(PlannedParent)
        /// The result of `children[n]`.
        case children(Int)
    }

    package var name: String
    package var content: Content
}

package struct PlannedParent: Sendable {
    /// Column of its id.
    package var identifier: Int
    /// By key prefix where there are several.
    package var types: [(keyPrefix: String?, name: String)]
    package var members: [PlannedMember]

    package func typeName(ofRecord id: String) -> String {
        (types.first { $0.keyPrefix.map(id.hasPrefix) ?? true } ?? types.first)?.name ?? ""
    }
}
