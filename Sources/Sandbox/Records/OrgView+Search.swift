import Doors

/// A search as queries: one per object, over its texts.
///
/// A word is found wherever it stands in a field, whatever its case; Salesforce's own index knows words, their stems and
/// synonyms, which nothing here pretends to.
extension OrgView {
    func search(_ search: RecordSearch) throws(OrgError) -> [JSONValue] {
        let targets =
            search.targets.isEmpty
            ? catalogue.objects.map { RecordSearch.Target(object: $0.name) } : search.targets
        var found: [JSONValue] = []
        for target in targets where found.count < search.limit {
            let object = try definition(target.object)
            let fields = Self.searched(object, search.scope)
            // An object without such fields has nothing to find.
            guard !fields.isEmpty else { continue }
            let limit = min(target.limit ?? search.limit, search.limit - found.count)
            let answer = try query(
                Self.query(target, object, fields, search.terms, limit: limit), includingDeleted: false, batchSize: nil)
            guard case .object(let members) = answer,
                case .array(let records)? = members.first(where: { $0.name == "records" })?.value
            else { continue }
            found += records
        }
        return found
    }

    private static func searched(_ object: ObjectDefinition, _ scope: RecordSearch.Scope) -> [String] {
        let fields = object.visibleFields.filter { !$0.isDerived && !$0.kind.isCompound }
        switch scope {
        case .name:
            let name = object.fields.first { $0.isNameField }
            return fields.filter { $0.isNameField || ($0.compoundName == name?.name && name != nil) }.map(\.name)
        case .email: return fields.filter { $0.kind == .email }.map(\.name)
        case .phone: return fields.filter { $0.kind == .phone }.map(\.name)
        case .all:
            return fields.filter { [.text, .email, .phone, .url, .textArea, .autoNumber].contains($0.kind) }.map(\.name)
        }
    }

    private static func query(
        _ target: RecordSearch.Target, _ object: ObjectDefinition, _ fields: [String], _ terms: [String], limit: Int
    ) -> String {
        var conditions = terms.map { term in
            let pattern = pattern(term)
            return "(" + fields.map { "\($0) LIKE '\(pattern)'" }.joined(separator: " OR ") + ")"
        }
        if let condition = target.condition { conditions.append("(\(condition))") }
        var query = "SELECT \(target.fields.isEmpty ? "Id" : target.fields.joined(separator: ", ")) FROM \(object.name)"
        query += " WHERE " + conditions.joined(separator: " AND ")
        if let orderBy = target.orderBy { query += " ORDER BY \(orderBy)" }
        return query + " LIMIT \(limit)"
    }

    /// The pattern of a term, as SOQL writes it in quotes.
    private static func pattern(_ term: String) -> String {
        var pattern = "%"
        for character in term {
            switch character {
            case "*": pattern += "%"
            case "?": pattern += "_"
            case "%", "_": pattern += "\\" + String(character)
            case "'", "\\": pattern += "\\" + String(character)
            default: pattern.append(character)
            }
        }
        return pattern + "%"
    }
}
