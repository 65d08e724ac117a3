import Store

/// The tables that records are kept in, kept in step with the catalogue.
enum SchemaTables {
    /// Makes, changes and drops tables inside the transaction that changes the schema, and at the opening of the org.
    static func apply(_ catalogue: Catalogue, previous: Catalogue?, writer: any StoreWriter) throws {
        for object in catalogue.objects { try writer.define(object.table) }
        for object in previous?.objects ?? [] where catalogue.object(object.name) == nil {
            try writer.undefine(entity: object.name)
        }
    }
}
