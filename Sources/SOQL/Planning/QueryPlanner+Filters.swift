/// What a filter compares: SQL of the value and what may be done with it.
struct FilterOperand {
    /// As the query writes it, for messages.
    var name: String
    var sql: String
    var type: QueryType
    var place: Int
}

/// Filters as SQL. SOQL's logic has two values: an empty field differs from every value, so `A != 'x'` holds for it, and
/// so does `NOT (A = 'x')`. Negations are therefore pushed down to the comparisons, which say what they mean of a null;
/// no NOT of SQL, with its third value, remains.
extension QueryPlanner {
    mutating func sql(_ filter: Filter, isNegated: Bool, depth: Int) throws(QueryError) -> String {
        guard depth <= Self.logicDepthMax else {
            throw QueryError(.tooComplicated, "the condition nests deeper than \(Self.logicDepthMax) levels")
        }
        switch filter {
        case .not(let operand): return try sql(operand, isNegated: !isNegated, depth: depth)
        case .and(let operands):
            return try joined(operands, by: isNegated ? "OR" : "AND", isNegated: isNegated, depth: depth)
        case .or(let operands):
            return try joined(operands, by: isNegated ? "AND" : "OR", isNegated: isNegated, depth: depth)
        case .test(let test): return try sql(test, isNegated: isNegated)
        }
    }

    private mutating func joined(
        _ operands: [Filter], by word: String, isNegated: Bool, depth: Int
    ) throws(QueryError) -> String {
        var parts: [String] = []
        for operand in operands { parts.append(try sql(operand, isNegated: isNegated, depth: depth + 1)) }
        return Self.balanced(parts[...], word)
    }

    /// As a tree of little depth: SQLite bounds the depth of an expression, and a chain of a thousand is one.
    static func balanced(_ parts: ArraySlice<String>, _ word: String) -> String {
        if parts.count <= 8 { return "(\(parts.joined(separator: " \(word) ")))" }
        let middle = parts.startIndex + parts.count / 2
        return "(\(balanced(parts[..<middle], word)) \(word) \(balanced(parts[middle...], word)))"
    }

    private mutating func sql(_ test: FilterTest, isNegated: Bool) throws(QueryError) -> String {
        let operand = try operand(of: test.term)
        switch test.test {
        case .compare(let operation, let literal):
            return try comparison(
                operand, isNegated ? operation.negated : operation, literal, isNegated, test.literalPlace)
        case .among(let literals, let excludes):
            return try membership(operand, literals, isNegated: excludes != isNegated, at: test.literalPlace)
        case .within(let query, let excludes):
            return try semiJoin(operand, query, isNegated: excludes != isNegated)
        case .like(let pattern):
            return try like(operand, pattern, isNegated: isNegated)
        case .includes(let groups, let excludes):
            guard operand.type == .multiPicklist else {
                throw QueryError(
                    .invalidFilterOperator, "includes/excludes operator only valid on multipicklist field",
                    at: operand.place)
            }
            let call = "soql_includes(\(operand.sql), \(bind(.string(TextSelection.encode(groups)))))"
            return excludes != isNegated ? "\(call) = 0" : "\(call) = 1"
        case .exact(let exact): return try sql(exact, operand, isNegated: isNegated)
        }
    }

    // MARK: Comparisons

    /// `wasNegated`: the operator has been turned round, so that an order must hold for an empty field.
    private mutating func comparison(
        _ operand: FilterOperand, _ operation: ComparisonOperator, _ literal: FilterLiteral, _ wasNegated: Bool,
        _ place: Int
    ) throws(QueryError) -> String {
        switch literal {
        case .relative(let date):
            return try comparison(operand, operation, span: date, wasNegated, place)
        case .value(.null), .value(.string("")):
            if operand.type == .boolean {
                return operation == .notEqual ? "\(operand.sql) = 1" : "\(operand.sql) IS NOT 1"
            }
            switch operation {
            case .equal: return "\(operand.sql) IS NULL"
            case .notEqual: return "\(operand.sql) IS NOT NULL"
            case .less, .lessOrEqual, .greater, .greaterOrEqual:
                // An order to the empty text: of texts only, and no text is before it.
                break
            }
        case .value(.boolean(let boolean)):
            try check(.boolean(boolean), against: operand, at: place)
            let isTrue = boolean == (operation == .equal)
            return isTrue ? "\(operand.sql) = 1" : "\(operand.sql) IS NOT 1"
        case .value: break
        }
        guard case .value(let value) = literal else { preconditionFailure("spans were compared above") }
        let parameter = bind(try checked(value, against: operand, at: place))
        noteQuoted(value, of: operand, place: place, listIndex: nil)
        return Self.comparison(operand.sql, operation, parameter, wasNegated)
    }

    private static func comparison(
        _ sql: String, _ operation: ComparisonOperator, _ parameter: String, _ wasNegated: Bool
    ) -> String {
        switch operation {
        case .equal: "\(sql) = \(parameter)"
        case .notEqual: "\(sql) IS NOT \(parameter)"
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            wasNegated
                ? "(\(sql) IS NULL OR \(sql) \(operation.rawValue) \(parameter))"
                : "\(sql) \(operation.rawValue) \(parameter)"
        }
    }

    /// A span is compared by its ends: before it, in it, after it.
    private mutating func comparison(
        _ operand: FilterOperand, _ operation: ComparisonOperator, span date: RelativeDate, _ wasNegated: Bool,
        _ place: Int
    ) throws(QueryError) -> String {
        guard operand.type == .date || operand.type == .dateTime else {
            throw .wrongLiteral(operand, at: place)
        }
        plan.dependsOnNow = true
        let span = date.span(now: now)
        let value: (Int64) -> Value = { operand.type == .date ? .date(milliseconds: $0) : .dateTime(milliseconds: $0) }
        let orNull = wasNegated ? "\(operand.sql) IS NULL OR " : ""
        switch operation {
        case .equal:
            return
                "(\(operand.sql) >= \(bind(value(span.lowerBound))) AND \(operand.sql) < \(bind(value(span.upperBound))))"
        case .notEqual:
            return "(\(operand.sql) IS NULL OR \(operand.sql) < \(bind(value(span.lowerBound))) "
                + "OR \(operand.sql) >= \(bind(value(span.upperBound))))"
        case .less: return "(\(orNull)\(operand.sql) < \(bind(value(span.lowerBound))))"
        case .lessOrEqual: return "(\(orNull)\(operand.sql) < \(bind(value(span.upperBound))))"
        case .greater: return "(\(orNull)\(operand.sql) >= \(bind(value(span.upperBound))))"
        case .greaterOrEqual: return "(\(orNull)\(operand.sql) >= \(bind(value(span.lowerBound))))"
        }
    }

    private mutating func membership(
        _ operand: FilterOperand, _ literals: [FilterLiteral], isNegated: Bool, at place: Int
    ) throws(QueryError) -> String {
        var parameters: [String] = []
        var spans: [String] = []
        var hasNull = false
        var texts = 0
        for literal in literals {
            switch literal {
            case .value(.null), .value(.string("")): hasNull = true
            case .value(.boolean(let boolean)) where operand.type == .boolean:
                // An empty checkbox counts as false.
                spans.append(boolean ? "\(operand.sql) = 1" : "\(operand.sql) IS NOT 1")
            case .value(let value):
                parameters.append(bind(try checked(value, against: operand, at: place)))
                noteQuoted(value, of: operand, place: place, listIndex: texts)
                if case .string = value { texts += 1 }
            case .relative(let date): spans.append(try comparison(operand, .equal, span: date, false, place))
            }
        }
        var parts = spans
        if !parameters.isEmpty {
            parts.append(
                parameters.count == 1
                    ? "\(operand.sql) = \(parameters[0])"
                    : "\(operand.sql) IN (\(parameters.joined(separator: ", ")))")
        }
        if hasNull { parts.append("\(operand.sql) IS NULL") }
        let isMember = Self.balanced(parts[...], "OR")
        return isNegated ? "NOT ifnull(\(isMember), 0)" : isMember
    }

    private mutating func like(
        _ operand: FilterOperand, _ pattern: LikePattern, isNegated: Bool
    ) throws(QueryError) -> String {
        guard operand.type.isText else {
            let noun = operand.type == .identifier ? "id" : operand.type.noun
            throw QueryError(.invalidFilterOperator, "invalid operator on \(noun) field", at: operand.place)
        }
        let call = "soql_like(\(operand.sql), \(bind(.string(pattern.soqlText))))"
        if isNegated { return "\(call) = 0" }
        // What the pattern begins with is a range of the index; only what is in it meets the pattern itself.
        guard case .text(let start)? = pattern.elements.first else { return "\(call) = 1" }
        let (low, high) = (bind(.string(start.string)), bind(.string(start.string + "\u{10FFFF}")))
        return "(\(operand.sql) >= \(low) AND \(operand.sql) <= \(high) AND \(call) = 1)"
    }

    private mutating func semiJoin(
        _ operand: FilterOperand, _ query: Query, isNegated: Bool
    ) throws(QueryError) -> String {
        semiJoins += 1
        guard semiJoins <= Self.semiJoinsMax else {
            throw QueryError(
                .malformedQuery, "Maximum \(Self.semiJoinsMax) semi join sub-selects are allowed",
                at: query.object.place)
        }
        guard operand.type == .identifier else {
            throw QueryError(
                .malformedQuery, "semi join sub-selects can only be on id or reference fields: \(operand.name)",
                at: operand.place)
        }
        guard let object = schema.object(named: query.object.spelling) else { throw .noSuchObject(query.object) }
        guard query.items.count == 1, case .term(.field(let path), nil) = query.items[0], query.grouping.isEmpty,
            query.limit == nil, query.offset == nil
        else {
            throw QueryError(
                .malformedQuery, "a semi join sub-select has one field and no LIMIT", at: query.object.place)
        }
        var inner = QueryPlanner(
            object: object, alias: query.alias, schema: schema, now: now, includesDeleted: includesDeleted)
        inner.plan.parameters = plan.parameters
        inner.plan.quoted = plan.quoted
        inner.plan.derived = plan.derived
        inner.nextAlias = nextAlias + 1
        inner.scope = TableScope(object: object, alias: query.alias, table: "t\(nextAlias)")
        let selected = try inner.resolve(path)
        guard selected.field.type == .identifier else {
            throw QueryError(
                .malformedQuery, "The inner select field '\(path.spelling)' cannot be used in a semi join: it is no id",
                at: path.place)
        }
        var conditions: [String] = ["\(selected.sql) IS NOT NULL"]
        if !includesDeleted { conditions.append("\(inner.scope.table).isdeleted = 0") }
        if let filter = query.filter { conditions.append(try inner.sql(filter, isNegated: false, depth: 0)) }
        plan.parameters = inner.plan.parameters
        plan.quoted = inner.plan.quoted
        plan.derived = inner.plan.derived
        plan.dependsOnNow = plan.dependsOnNow || inner.plan.dependsOnNow
        plan.objects.formUnion(inner.plan.objects)
        nextAlias = inner.nextAlias
        let select =
            "SELECT \(selected.sql) FROM \(object.table) AS \(inner.scope.table)"
            + inner.scope.joins.map(\.sql).joined() + " WHERE \(conditions.joined(separator: " AND "))"
        return isNegated
            ? "(\(operand.sql) IS NULL OR \(operand.sql) NOT IN (\(select)))" : "\(operand.sql) IN (\(select))"
    }

    // MARK: Operands

    private mutating func operand(of term: Term) throws(QueryError) -> FilterOperand {
        switch term {
        case .field(let path):
            let found = try resolve(path)
            guard found.field.isFilterable, found.field.type != .compound else {
                throw QueryError(
                    .invalidField, "field '\(found.field.name)' can not be filtered in a query call", at: path.place)
            }
            try checkGrouped(found.sql, term)
            return FilterOperand(name: found.field.name, sql: found.sql, type: found.field.type, place: path.place)
        case .call(let call):
            let found = try function(call, isFiltering: true)
            if AggregateFunction(call.key) == nil { try checkGrouped(found.sql, term) }
            return FilterOperand(name: term.spelling, sql: found.sql, type: found.type, place: call.place)
        }
    }

    /// SQLite would compare the value of any row of the group.
    private func checkGrouped(_ sql: String, _ term: Term) throws(QueryError) {
        guard isInHaving, !groupKeys.contains(sql) else { return }
        throw QueryError(.malformedQuery, "Field must be grouped or aggregated: \(term.spelling)", at: term.place)
    }

    mutating func bind(_ value: Value) -> String {
        plan.parameters.append(value)
        return "?\(plan.parameters.count)"
    }

    /// The parameter bound last is a text of the query.
    private mutating func noteQuoted(_ value: Value, of operand: FilterOperand, place: Int, listIndex: Int?) {
        guard case .string = value else { return }
        plan.quoted.append(
            QuotedParameter(
                index: plan.parameters.count - 1, place: place, listIndex: listIndex,
                isIdentifier: operand.type == .identifier))
    }

    private func check(_ value: Value, against operand: FilterOperand, at place: Int) throws(QueryError) {
        _ = try checked(value, against: operand, at: place)
    }

    /// The literal as it is compared, or the error that it is of the wrong type.
    private func checked(_ value: Value, against operand: FilterOperand, at place: Int) throws(QueryError) -> Value {
        switch (operand.type, value) {
        case (.identifier, .string(let text)):
            if text.isEmpty { return value }
            guard let identifier = RecordIdentifier(text) else {
                throw QueryError(.invalidFilterOperator, "invalid ID field: \(text)", at: place)
            }
            return .string(String(decoding: identifier.bytes, as: UTF8.self))
        case (.text, .string), (.multiPicklist, .string), (.boolean, .boolean), (.integer, .integer),
            (.integer, .double),
            (.double, .integer), (.double, .double), (.date, .date), (.dateTime, .dateTime), (.time, .time):
            return value
        case (.identifier, _), (.text, _), (.multiPicklist, _), (.boolean, _), (.integer, _), (.double, _), (.date, _),
            (.dateTime, _), (.time, _), (.compound, _):
            throw .wrongLiteral(operand, at: place)
        }
    }
}

extension QueryError {
    fileprivate static func wrongLiteral(_ operand: FilterOperand, at place: Int) -> QueryError {
        let isQuoted = operand.type.isText || operand.type == .identifier
        return QueryError(
            .invalidField,
            "value of filter criterion for field '\(operand.name)' must be of type \(operand.type.noun) and should "
                + (isQuoted ? "be enclosed in quotes" : "not be enclosed in quotes"), at: operand.place)
    }
}

extension ComparisonOperator {
    var negated: ComparisonOperator {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }
}
