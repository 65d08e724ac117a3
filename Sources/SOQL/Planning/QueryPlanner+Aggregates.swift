/// `COUNT(Id)`, `SUM(Amount)`, …
enum AggregateFunction: String {
    case count = "COUNT"
    case countDistinct = "COUNT_DISTINCT"
    case sum = "SUM"
    case average = "AVG"
    case minimum = "MIN"
    case maximum = "MAX"

    /// `name` in capitals.
    init?(_ name: String) { self.init(rawValue: name) }

    func sql(of value: String) -> String {
        switch self {
        case .count: "count(\(value))"
        case .countDistinct: "count(DISTINCT \(value))"
        case .sum: "sum(\(value))"
        case .average: "avg(\(value))"
        case .minimum: "min(\(value))"
        case .maximum: "max(\(value))"
        }
    }

    /// Nil where the function cannot be applied.
    func type(of value: QueryType) -> QueryType? {
        let isNumber = value == .integer || value == .double
        let isOrdered = value != .boolean && value != .multiPicklist && value != .compound
        return switch self {
        case .count, .countDistinct: value == .compound ? nil : .integer
        case .sum: isNumber ? value : nil
        case .average: isNumber ? .double : nil
        case .minimum, .maximum: isOrdered ? value : nil
        }
    }
}

/// Functions, groups and orders.
extension QueryPlanner {
    mutating func planAggregates(_ query: Query) throws(QueryError) {
        if query.items.count == 1, case .rowCount = query.items[0] {
            guard query.grouping.isEmpty else {
                throw QueryError(.malformedQuery, "Grouped query must have at least one aggregate expression: COUNT()")
            }
            if let order = query.order.first {
                throw QueryError(.malformedQuery, "COUNT() takes no ORDER BY", at: order.term.place)
            }
            plan.kind = .rowCount
            return
        }
        plan.kind = .aggregates
        var groups: [String: (sql: String, type: QueryType)] = [:]
        for term in query.grouping {
            let group = try groupable(term)
            groups[group.sql] = group
            plan.grouping += plan.grouping.isEmpty ? " GROUP BY \(group.sql)" : ", \(group.sql)"
        }
        var unnamed = 0
        for item in query.items {
            guard case .term(let term, let alias) = item else {
                throw QueryError(
                    .malformedQuery, "a grouped query selects fields and aggregates only", at: query.object.place)
            }
            let name: String
            let value: (sql: String, type: QueryType)
            switch term {
            case .field(let path):
                let found = try resolve(path)
                guard groups[found.sql] != nil else {
                    throw QueryError(
                        .malformedQuery, "Field must be grouped or aggregated: \(path.spelling)", at: path.place)
                }
                value = (found.sql, found.field.type)
                name = alias ?? found.field.name
            case .call(let call):
                value = try function(call, isFiltering: false)
                if AggregateFunction(call.key) == nil, groups[value.sql] == nil {
                    throw QueryError(
                        .malformedQuery, "Field must be grouped or aggregated: \(term.spelling)", at: call.place)
                }
                if let alias {
                    name = alias
                } else {
                    name = "expr\(unnamed)"
                    unnamed += 1
                }
            }
            guard !plan.members.contains(where: { $0.name.lowercased() == name.lowercased() }) else {
                throw QueryError(.malformedQuery, "duplicate alias: \(name)", at: term.place)
            }
            aliases[name.lowercased()] = value.sql
            let index = column(value.sql, value.type, heading: name)
            plan.members.append(PlannedMember(name: name, content: .column(index)))
        }
        groupKeys = Set(groups.keys)
        if let having = query.having {
            isInHaving = true
            plan.grouping += " HAVING \(try sql(having, isNegated: false, depth: 0))"
            isInHaving = false
        }
    }

    private mutating func groupable(_ term: Term) throws(QueryError) -> (sql: String, type: QueryType) {
        switch term {
        case .field(let path):
            let found = try resolve(path)
            guard found.field.isGroupable, found.field.type != .compound else {
                throw QueryError(
                    .malformedQuery, "field '\(found.field.name)' can not be grouped in a query call", at: path.place)
            }
            return (found.sql, found.field.type)
        case .call(let call):
            guard AggregateFunction(call.key) == nil else {
                throw QueryError(.malformedQuery, "aggregates cannot be grouped: \(term.spelling)", at: call.place)
            }
            return try function(call, isFiltering: false)
        }
    }

    /// A function's SQL and type.
    mutating func function(
        _ call: FunctionCall, isFiltering: Bool
    ) throws(QueryError) -> (sql: String, type: QueryType) {
        if let part = DatePart(function: call.name) {
            let path = try dateArgument(of: call)
            let found = try resolve(path)
            let takesTime = part == .hourInDay || part == .dayOnly
            guard found.field.type == .dateTime || (found.field.type == .date && !takesTime) else {
                throw QueryError(
                    .invalidField, "\(call.name) is not supported on the field \(found.field.name)", at: path.place)
            }
            return ("soql_date_part(\(part.rawValue), \(found.sql))", part == .dayOnly ? .date : .integer)
        }
        guard let aggregate = AggregateFunction(call.key) else {
            throw QueryError(.malformedQuery, "unexpected token: '\(call.name)'", at: call.place)
        }
        guard isInHaving || !isFiltering else {
            throw QueryError(.malformedQuery, "unexpected token: '\(call.name)'", at: call.place)
        }
        guard let argument = call.argument else {
            guard aggregate == .count, isInHaving else {
                throw QueryError(.malformedQuery, "unexpected token: ')'", at: call.place)
            }
            return ("count(*)", .integer)
        }
        guard case .field(let path) = argument else {
            throw QueryError(.malformedQuery, "unexpected token: '('", at: argument.place)
        }
        let found = try resolve(path)
        guard found.field.isAggregatable, let type = aggregate.type(of: found.field.type) else {
            throw QueryError(
                .malformedQuery,
                "field \(found.field.name) does not support aggregate operator \(aggregate.rawValue)", at: path.place)
        }
        return (aggregate.sql(of: found.sql), type)
    }

    /// The org's time zone is UTC, so that `convertTimezone` changes nothing.
    private func dateArgument(of call: FunctionCall) throws(QueryError) -> FieldPath {
        switch call.argument {
        case .field(let path)?: return path
        case .call(let inner)? where inner.key == "CONVERTTIMEZONE":
            if case .field(let path)? = inner.argument { return path }
        case .call?, nil: break
        }
        throw QueryError(.malformedQuery, "\(call.name) takes a date or date-time field", at: call.place)
    }

    // MARK: Order

    mutating func planOrder(_ query: Query) throws(QueryError) {
        guard plan.kind != .rowCount else { return }
        var parts: [String] = []
        for order in query.order {
            let value = try orderable(order.term)
            // Nulls come first in SOQL whichever the direction; in SQLite they are the smallest values.
            let direction =
                switch (order.isDescending, order.nullsLast) {
                case (false, false): ""
                case (false, true): " ASC NULLS LAST"
                case (true, false): " DESC NULLS FIRST"
                case (true, true): " DESC"
                }
            parts.append(value + direction)
        }
        guard !parts.isEmpty else { return }
        // Equal values in one order, page after page.
        if plan.kind == .records { parts.append(query.order.last?.isDescending == true ? "t0.id DESC" : "t0.id") }
        plan.order = " ORDER BY " + parts.joined(separator: ", ")
    }

    mutating func orderable(_ term: Term) throws(QueryError) -> String {
        switch term {
        case .field(let path):
            if plan.kind == .aggregates, let sql = aliases[path.spelling.lowercased()] { return sql }
            let found = try resolve(path)
            guard found.field.isSortable, found.field.type != .compound else {
                throw QueryError(
                    .malformedQuery, "field '\(found.field.name)' can not be sorted in a query call", at: path.place)
            }
            if plan.kind == .aggregates, !groupKeys.contains(found.sql) {
                throw QueryError(
                    .malformedQuery, "Ordered field must be grouped or aggregated: \(path.spelling)", at: path.place)
            }
            return found.sql
        case .call(let call):
            let value = try function(call, isFiltering: false)
            if plan.kind != .aggregates || (AggregateFunction(call.key) == nil && !groupKeys.contains(value.sql)) {
                throw QueryError(
                    .malformedQuery, "Ordered field must be grouped or aggregated: \(term.spelling)", at: call.place)
            }
            return value.sql
        }
    }
}
