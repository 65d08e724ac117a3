import Store

/// An object's table, from what the org says of it and what the configuration asks for. Pure.
enum ReplicaTable {
    /// The fields that become columns, in the org's order. Throws where the configuration names one that the object does not have.
    static func fields(
        of described: SourceObject, for object: ReplicatedObject
    ) throws(ReplicaError) -> [SourceObject.Field] {
        // The table's own mark stands for it.
        let columns = described.fields.filter { $0.name != "IsDeleted" }
        guard case .named(let names) = object.fields else { return columns }
        let known = Set(columns.map(\.name))
        let unknown = names.filter { !known.contains($0) }
        guard unknown.isEmpty else {
            throw ReplicaError(
                .configuration,
                "\(object.name) has no field \(unknown.joined(separator: ", ")) that a table can have, or its user may not see it."
            )
        }
        let wanted = Set(names + ReplicatedObject.always)
        return columns.filter { wanted.contains($0.name) }
    }

    static func table(_ entity: String, _ fields: [SourceObject.Field]) -> ObjectTable {
        ObjectTable(
            entity: entity,
            columns: fields.map { field in
                // What replication itself asks by; other indexes are the user's own.
                ObjectTable.Column(field.name, field.type, isIndexed: field.name == "SystemModstamp")
            })
    }
}
