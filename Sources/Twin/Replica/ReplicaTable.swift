import Store

/// An object's table, from what the org says of it and what the configuration asks for. Pure.
enum ReplicaTable {
    /// The fields that are read, in the org's order. Throws where the configuration names one that the object does not have, and
    /// never had.
    static func fields(
        of described: SourceObject, for object: ReplicatedObject, known: ObjectTable?
    ) throws(ReplicaError) -> [SourceObject.Field] {
        // The table's own mark stands for it.
        let columns = described.fields.filter { $0.name != "IsDeleted" }
        guard case .named(let names) = object.fields else { return columns }
        let had = Set(columns.map(\.name) + (known?.columns.map(\.name) ?? []))
        let unknown = names.filter { !had.contains($0) }
        guard unknown.isEmpty else {
            throw ReplicaError(
                .configuration,
                "\(object.name) has no field \(unknown.joined(separator: ", ")) that a table can have, or its user may not see it."
            )
        }
        let wanted = Set(names + ReplicatedObject.always)
        return columns.filter { wanted.contains($0.name) }
    }

    /// A column that the org does not have any more stays, with its last values; one that the configuration does not name any more
    /// goes.
    static func table(
        _ object: ReplicatedObject, _ fields: [SourceObject.Field], known: ObjectTable?
    ) -> ObjectTable {
        let names = Set(fields.map(\.name))
        let left = (known?.columns ?? []).filter { column in
            !names.contains(column.name) && (object.keptFields?.contains(column.name) ?? true)
        }
        return ObjectTable(
            entity: object.name,
            columns: fields.map { field in
                // What replication itself asks by; other indexes are the user's own.
                ObjectTable.Column(field.name, field.type, isIndexed: field.name == "SystemModstamp")
            } + left)
    }
}
