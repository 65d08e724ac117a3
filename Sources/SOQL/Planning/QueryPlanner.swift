/// Gives a query its meaning: names to tables and columns, literals to parameters, everything else to an error that points
/// at the place.
///
/// Nothing of the query's text reaches the SQL: identifiers come from the schema, literals are parameters. Made for one
/// query.
package struct QueryPlanner {
    /// Distinct parents of one query: Salesforce's limit.
    static let parentsMax = 55
    /// Levels of a path such as `Contact.Account.Owner.Name`.
    static let parentLevelsMax = 5
    static let semiJoinsMax = 2
    static let fieldsLimitMax = 200
    static let offsetMax = 2_000
    /// Columns of one statement, those that only the answer needs included: SQLite's limit.
    static let columnsMax = 2_000
    /// AND inside OR inside AND: what SQLite's parser takes without doubt.
    static let logicDepthMax = 24

    let schema: any QuerySchema
    /// Milliseconds since 1970.
    let now: Int64
    let includesDeleted: Bool
    var plan: QueryPlan
    var scope: TableScope
    var columnIndex: [String: Int] = [:]
    var nextAlias = 1
    var semiJoins = 0
    /// SQL of the columns of an aggregate query by their names, and of its groups.
    var aliases: [String: String] = [:]
    var groupKeys: Set<String> = []
    /// HAVING is being planned, the one filter that takes aggregates and no field that is not grouped.
    var isInHaving = false

    package static func plan(
        _ query: Query, schema: any QuerySchema, includesDeleted: Bool, now: Int64
    ) throws(QueryError) -> QueryPlan {
        guard let object = schema.object(named: query.object.spelling) else { throw .noSuchObject(query.object) }
        var planner = QueryPlanner(
            object: object, alias: query.alias, schema: schema, now: now,
            includesDeleted: includesDeleted || query.includesDeleted)
        planner.plan.isForView = query.isForView
        var plan = try planner.planned(query)
        plan.seal()
        return plan
    }

    init(object: QueryObject, alias: String?, schema: any QuerySchema, now: Int64, includesDeleted: Bool) {
        self.schema = schema
        self.now = now
        self.includesDeleted = includesDeleted
        plan = QueryPlan(kind: .records, object: object.name)
        plan.objects = [object.name]
        plan.includesDeleted = includesDeleted
        scope = TableScope(object: object, alias: alias, table: "t0")
    }

    private mutating func planned(_ query: Query) throws(QueryError) -> QueryPlan {
        try checkScope(query)
        var conditions: [String] = []
        if !includesDeleted { conditions.append("t0.isdeleted = 0") }
        if isAggregate(query) {
            try planAggregates(query)
        } else {
            plan.selectList = "t0.id, t0.sfid"
            plan.columns = [
                PlannedColumn(type: .integer), PlannedColumn(type: .identifier),
            ]
            columnIndex["t0.sfid"] = 1
            try planItems(query)
        }
        if let filter = query.filter { conditions.append(try sql(filter, isNegated: false, depth: 0)) }
        try planOrder(query)
        if let after = query.after { conditions.append(try behind(after, query.order)) }
        try planWindow(query)
        guard plan.columns.count <= Self.columnsMax else {
            throw QueryError(.tooComplicated, "a query can read \(Self.columnsMax) columns at most")
        }
        plan.from = "\(scope.object.table) AS t0" + scope.joins.map(\.sql).joined()
        plan.condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return plan
    }

    private func isAggregate(_ query: Query) -> Bool {
        guard query.grouping.isEmpty else { return true }
        return query.items.contains { item in
            switch item {
            case .rowCount: true
            case .term(.call(let call), _): AggregateFunction(call.key) != nil
            case .term, .fieldGroup, .children: false
            }
        }
    }

    private func checkScope(_ query: Query) throws(QueryError) {
        guard let scope = query.scope, scope.key != "everything" else { return }
        throw QueryError(
            .malformedQuery, "Using '\(scope.spelling)' as a filter scope is not supported", at: scope.place)
    }

    private mutating func planWindow(_ query: Query) throws(QueryError) {
        plan.limit = query.limit
        plan.offset = query.offset
        if let offset = query.offset, offset > Self.offsetMax {
            throw QueryError(
                .numberOutOfRange, "Maximum SOQL offset allowed is \(Self.offsetMax)", at: query.offsetPlace)
        }
    }

    // MARK: Columns of records

    private mutating func planItems(_ query: Query) throws(QueryError) {
        var seen: Set<String> = []
        for item in query.items {
            switch item {
            case .term(.field(let path), let alias):
                if let alias {
                    throw QueryError(
                        .malformedQuery, "only aggregate expressions use field aliasing: \(alias)", at: path.place)
                }
                try select(path, seen: &seen)
            case .term(.call(let call), let alias):
                try select(call, alias: alias, seen: &seen)
            case .fieldGroup(let group, let place):
                try selectGroup(group, at: place, query, seen: &seen)
            case .children(let inner):
                try selectChildren(inner)
            case .rowCount:
                preconditionFailure("a count is planned with the aggregates")
            }
        }
    }

    private mutating func select(_ path: FieldPath, seen: inout Set<String>) throws(QueryError) {
        try select(try resolve(path), at: path.place, seen: &seen)
    }

    private mutating func select(_ found: ResolvedField, at place: Int, seen: inout Set<String>) throws(QueryError) {
        let key = "\(found.table).\(found.field.name)".lowercased()
        guard seen.insert(key).inserted else {
            throw QueryError(.invalidField, "duplicate field selected: \(found.field.name)", at: place)
        }
        try add(found)
    }

    /// `toLabel(Status)`, `FORMAT(Amount)`: the value itself, since an org of one language and currency shows the same.
    private mutating func select(
        _ call: FunctionCall, alias: String?, seen: inout Set<String>
    ) throws(QueryError) {
        guard ["TOLABEL", "FORMAT", "CONVERTCURRENCY"].contains(call.key), case .field(let path)? = call.argument else {
            if DatePart(function: call.name) != nil {
                throw QueryError(.malformedQuery, "Field must be grouped or aggregated: \(call.name)", at: call.place)
            }
            throw QueryError(.malformedQuery, "unexpected token: '\(call.name)'", at: call.place)
        }
        let found = try resolve(path)
        if let alias {
            let column = column(found.sql, found.field.type, heading: alias)
            plan.members.append(PlannedMember(name: alias, content: .column(column)))
        } else {
            try select(path, seen: &seen)
        }
    }

    private mutating func selectGroup(
        _ group: FieldGroup, at place: Int, _ query: Query, seen: inout Set<String>
    ) throws(QueryError) {
        if group != .standard, query.limit.map({ $0 > Self.fieldsLimitMax }) ?? true {
            throw QueryError(
                .malformedQuery, "The SOQL FIELDS function must have a LIMIT of at most \(Self.fieldsLimitMax)",
                at: place)
        }
        for field in scope.object.fields
        where group == .all || field.isCustom == (group == .custom) {
            let found = ResolvedField(
                field: field, sql: sql(of: field, table: "t0", scope.object), table: "t0", parents: [])
            try select(found, at: place, seen: &seen)
        }
    }

    /// Adds a field to the answer, inside the parents it belongs to.
    private mutating func add(_ found: ResolvedField) throws(QueryError) {
        let heading = (found.parents.map(\.name) + [found.field.name]).joined(separator: ".")
        let content: PlannedMember.Content
        if case .compound(let parts) = found.field.source {
            let object = found.parents.last.flatMap { schema.object(named: $0.types[0].name) } ?? scope.object
            content = .compound(
                parts.compactMap { part in
                    guard let field = object.field(part.field) else { return nil }
                    let sql = sql(of: field, table: found.table, object)
                    return (name: part.name, column: column(sql, field.type, heading: nil))
                })
            plan.compounds.append(heading)
        } else {
            content = .column(column(found.sql, found.field.type, heading: heading))
        }
        let parents = found.parents.map { parent in
            (parent, column(parent.identifier, .identifier, heading: nil))
        }
        Self.insert(PlannedMember(name: found.field.name, content: content), below: parents[...], into: &plan.members)
    }

    private static func insert(
        _ member: PlannedMember, below parents: ArraySlice<(JoinedParent, Int)>, into members: inout [PlannedMember]
    ) {
        guard let (parent, identifier) = parents.first else { return members.append(member) }
        let rest = parents.dropFirst()
        for index in members.indices where members[index].name == parent.name {
            guard case .parent(var nested) = members[index].content else { continue }
            insert(member, below: rest, into: &nested.members)
            members[index].content = .parent(nested)
            return
        }
        var nested = PlannedParent(identifier: identifier, types: parent.types, members: [])
        insert(member, below: rest, into: &nested.members)
        members.append(PlannedMember(name: parent.name, content: .parent(nested)))
    }

    /// The place of a column in the select list; one that is there already is used again.
    mutating func column(_ sql: String, _ type: QueryType, heading: String?) -> Int {
        let index: Int
        if let known = columnIndex[sql] {
            index = known
        } else {
            index = plan.columns.count
            columnIndex[sql] = index
            plan.columns.append(PlannedColumn(type: type))
            plan.selectList += plan.selectList.isEmpty ? sql : ", \(sql)"
        }
        if let heading { plan.headings.append((heading, index)) }
        return index
    }

    // MARK: Children

    private mutating func selectChildren(_ inner: Query) throws(QueryError) {
        guard let relationship = scope.object.child(inner.object.spelling),
            let child = schema.object(named: relationship.object), let field = child.field(relationship.field),
            case .column(let reference) = field.source
        else { throw .noSuchChildRelationship(inner.object) }
        if plan.members.contains(where: { $0.name == relationship.name }) {
            throw QueryError(
                .malformedQuery, "duplicate relationship in the select list: \(relationship.name)",
                at: inner.object.place)
        }
        var planner = QueryPlanner(
            object: child, alias: inner.alias, schema: schema, now: now,
            includesDeleted: includesDeleted || inner.includesDeleted)
        if planner.isAggregate(inner) {
            throw QueryError(
                .malformedQuery, "aggregates are not allowed in a subquery of the select list", at: inner.object.place)
        }
        var childPlan = try planner.planned(inner)
        childPlan.parameters.append(.null)
        childPlan.parentParameter = childPlan.parameters.count
        let belongs = "t0.\(reference) = ?\(childPlan.parameters.count)"
        childPlan.condition =
            childPlan.condition.isEmpty ? " WHERE \(belongs)" : "\(childPlan.condition) AND \(belongs)"
        plan.dependsOnNow = plan.dependsOnNow || childPlan.dependsOnNow
        plan.objects.formUnion(childPlan.objects)
        plan.members.append(PlannedMember(name: relationship.name, content: .children(plan.children.count)))
        plan.children.append(childPlan)
    }
}
