/// The table of FROM with the parents that are joined to it.
struct TableScope {
    let object: QueryObject
    let alias: String?
    /// `t0`
    let table: String
    var joins: [Join] = []
    /// Relationship path, in small letters, to what is joined for it.
    var joined: [String: JoinedParent] = [:]

    struct Join {
        var sql: String
    }
}

/// A parent record on the way to a field.
struct JoinedParent {
    /// The relationship's name.
    var name: String
    /// SQL of its id, null where there is no such record.
    var identifier: String
    /// One per object that the reference may name.
    var tables: [(table: String, object: QueryObject)]
    var reference: String

    var types: [(keyPrefix: String?, name: String)] { tables.map { ($0.object.keyPrefix, $0.object.name) } }
}

/// A field that was found, and the SQL of its value.
struct ResolvedField {
    var field: QueryField
    var sql: String
    /// Alias of the table it is in; of several that it may be in, the first.
    var table: String
    var parents: [JoinedParent]
}

extension QueryPlanner {
    /// Follows a path to its field, joining the parents on the way.
    mutating func resolve(_ path: FieldPath) throws(QueryError) -> ResolvedField {
        var names = path.names[...]
        if names.count > 1, let first = names.first, isOwnName(first) { names = names.dropFirst() }
        guard let last = names.last else { throw QueryError(.malformedQuery, "unexpected token: '.'", at: path.place) }
        let relationships = names.dropLast()
        guard relationships.count <= Self.parentLevelsMax else {
            throw QueryError(
                .malformedQuery,
                "the relationship path '\(path.spelling)' is longer than \(Self.parentLevelsMax) levels", at: path.place
            )
        }
        var parents: [JoinedParent] = []
        var key = ""
        for relationship in relationships {
            key += relationship.lowercased() + "."
            parents.append(try parent(relationship, key: key, below: parents.last, at: path.place))
        }
        guard let parent = parents.last else {
            guard let field = scope.object.field(last) else {
                throw .noSuchField(String(last), object: scope.object, at: path.place)
            }
            return ResolvedField(
                field: field, sql: sql(of: field, table: scope.table, scope.object), table: scope.table, parents: [])
        }
        return try field(last, of: parent, parents: parents, at: path.place)
    }

    private func isOwnName(_ name: Substring) -> Bool {
        if let alias = scope.alias { return alias.lowercased() == name.lowercased() }
        return scope.object.name.lowercased() == name.lowercased() && scope.object.parent(name) == nil
    }

    private mutating func parent(
        _ name: Substring, key: String, below: JoinedParent?, at place: Int
    ) throws(QueryError) -> JoinedParent {
        if let known = scope.joined[key] { return known }
        // A reference to one of several objects is the end of a path: Salesforce's `Name` object has no parents.
        let candidates = below?.tables ?? [(scope.table, scope.object)]
        guard candidates.count == 1, let (table, object) = candidates.first, let relationship = object.parent(name),
            let field = object.field(relationship.field), case .column(let column) = field.source
        else { throw .noSuchRelationship(String(name), at: place) }
        let targets = relationship.targets.compactMap { schema.object(named: $0) }
        guard !targets.isEmpty else { throw .noSuchRelationship(String(name), at: place) }
        let reference = "\(table).\(column)"
        var tables: [(table: String, object: QueryObject)] = []
        for target in targets {
            let alias = "t\(nextAlias)"
            nextAlias += 1
            guard nextAlias <= Self.parentsMax + 1 else {
                throw QueryError(.tooComplicated, "a query can reach \(Self.parentsMax) parents at most", at: place)
            }
            scope.joins.append(
                TableScope.Join(sql: " LEFT JOIN \(target.table) AS \(alias) ON \(alias).sfid = \(reference)"))
            plan.objects.insert(target.name)
            tables.append((alias, target))
        }
        let identifiers = tables.map { "\($0.table).sfid" }
        let joined = JoinedParent(
            name: relationship.name,
            identifier: identifiers.count == 1
                ? identifiers[0] : "coalesce(\(identifiers.joined(separator: ", ")))",
            tables: tables, reference: reference)
        scope.joined[key] = joined
        return joined
    }

    private mutating func field(
        _ name: Substring, of parent: JoinedParent, parents: [JoinedParent], at place: Int
    ) throws(QueryError) -> ResolvedField {
        if parent.tables.count == 1, let (table, object) = parent.tables.first {
            guard let field = object.field(name) else { throw .noSuchField(String(name), object: object, at: place) }
            return ResolvedField(
                field: field, sql: sql(of: field, table: table, object), table: table, parents: parents)
        }
        if name.lowercased() == "type" {
            let cases = parent.tables.map { "WHEN \($0.table).sfid IS NOT NULL THEN '\($0.object.name)'" }
            let type = QueryField(name: "Type", type: .text, source: .derived)
            return ResolvedField(
                field: type, sql: "CASE \(cases.joined(separator: " ")) END", table: parent.tables[0].table,
                parents: parents)
        }
        var found: QueryField?
        var parts: [String] = []
        for (table, object) in parent.tables {
            guard let field = object.field(name), found.map({ $0.type == field.type }) ?? true else { continue }
            if case .compound = field.source { continue }
            if found == nil { found = field }
            parts.append(sql(of: field, table: table, object))
        }
        guard let found else {
            throw .noSuchField(String(name), objectName: "Name", at: place)
        }
        let sql = parts.count == 1 ? parts[0] : "coalesce(\(parts.joined(separator: ", ")))"
        let collated = found.type.isText ? "(\(sql) COLLATE soql)" : sql
        return ResolvedField(field: found, sql: collated, table: parent.tables[0].table, parents: parents)
    }

    /// The value of a field as SQL.
    mutating func sql(of field: QueryField, table: String, _ object: QueryObject) -> String {
        switch field.source {
        case .column(let column): return "\(table).\(column)"
        case .personName(let first, let last):
            let (first, last) = ("\(table).\(first)", "\(table).\(last)")
            return "(CASE WHEN \(first) IS NULL THEN \(last) WHEN \(last) IS NULL THEN \(first) "
                + "ELSE \(first) || ' ' || \(last) END COLLATE soql)"
        case .derived:
            let index =
                plan.derived.firstIndex { $0.object == object.name && $0.field == field.name } ?? plan.derived.count
            if index == plan.derived.count { plan.derived.append((object.name, field.name)) }
            let call = "soql_derived(\(index), \(table).sfid)"
            return field.type.isText ? "(\(call) COLLATE soql)" : call
        case .compound: return "NULL"
        }
    }
}

extension QueryError {
    static func noSuchObject(_ name: PlacedName) -> QueryError {
        QueryError(
            .invalidType,
            "sObject type '\(name.spelling)' is not supported. If you are attempting to use a custom object, be sure to "
                + "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                + "appropriate names.", at: name.place)
    }

    static func noSuchField(_ name: String, object: QueryObject, at place: Int) -> QueryError {
        noSuchField(name, objectName: object.name, at: place)
    }

    static func noSuchField(_ name: String, objectName: String, at place: Int) -> QueryError {
        QueryError(
            .invalidField,
            "No such column '\(name)' on entity '\(objectName)'. If you are attempting to use a custom field, be sure to "
                + "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
                + "appropriate names.", at: place)
    }

    static func noSuchRelationship(_ name: String, at place: Int) -> QueryError {
        QueryError(
            .invalidField,
            "Didn't understand relationship '\(name)' in field path. If you are attempting to use a custom relationship, "
                + "be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the "
                + "describe call for the appropriate names.", at: place)
    }

    static func noSuchChildRelationship(_ name: PlacedName) -> QueryError {
        QueryError(
            .invalidType,
            "Didn't understand relationship '\(name.spelling)' in FROM part of query call. If you are attempting to use a "
                + "custom relationship, be sure to append the '__r' after the custom relationship name. Please reference "
                + "your WSDL or the describe call for the appropriate names.", at: name.place)
    }
}
