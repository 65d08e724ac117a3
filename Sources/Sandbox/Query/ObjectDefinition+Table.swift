import Store

extension ObjectDefinition {
    /// Where the object's records are kept: a column per stored field.
    ///
    /// Indexed are what Salesforce indexes: references (but for who made and who changed the record), the field that names
    /// it, external ids and unique fields, and the stamps that replicators page by.
    var table: ObjectTable {
        var columns: [ObjectTable.Column] = []
        for field in storedFields {
            guard let type = field.kind.columnType else { continue }
            columns.append(ObjectTable.Column(field.name, type, isIndexed: isIndexed(field)))
        }
        return ObjectTable(entity: name, columns: columns)
    }

    private func isIndexed(_ field: FieldDefinition) -> Bool {
        if field.kind.isLongText || field.name == "CreatedById" || field.name == "LastModifiedById" { return false }
        if field.kind == .reference || field.isNameField || field.isExternalID || field.isUnique { return true }
        return ["SystemModstamp", "LastModifiedDate"].contains(field.name)
    }
}
