import ChangeEvents
import Store
import Synchronization

/// The compiled schemas of events on their way out, as filters and enrichment need them: by id, found in the store at
/// first use. Schemas never change, so neither does an entry. Thread-safe.
final class SchemaCache: Sendable {
    /// A schema with the names that a filter may use for its fields.
    final class Entry: Sendable {
        let schema: EventSchema
        /// Flat names by what a filter writes, in lower case: `billingaddress.city` → `BillingCity`.
        let flatNames: [String: String]

        init(_ schema: EventSchema) {
            self.schema = schema
            var names: [String: String] = [:]
            for field in schema.fields {
                if field.components.isEmpty {
                    names[field.name.lowercased()] = field.name
                } else {
                    for (component, flat) in zip(field.components, field.flatNames) {
                        names["\(field.name).\(component)".lowercased()] = flat
                    }
                    // A compound that may be a plain text has its own name as well.
                    if field.flatNames.count > field.components.count {
                        names[field.name.lowercased()] = field.name
                    }
                }
            }
            flatNames = names
        }

        /// The flat names of a field, a compound's components.
        func flatNames(of field: String) -> [String] {
            schema.fields.first { $0.name.lowercased() == field.lowercased() }?.flatNames ?? []
        }
    }

    private let entries = Mutex<[SchemaID: Entry]>([:])

    /// Nil where nobody knows the schema.
    func entry(_ id: SchemaID, _ reader: any StoreReader) throws -> Entry? {
        if let known = entries.withLock({ $0[id] }) { return known }
        guard let json = try reader.schemaJSON(id) else { return nil }
        let entry = Entry(try EventSchema(json: json))
        entries.withLock { $0[id] = entry }
        return entry
    }
}
