import ChangeEvents
import Store

/// The derived fields of a query, worked out while it runs. For one plan, on the store's thread.
final class DerivedValues: RowDerivation {
    private let fields: [(object: ObjectDefinition, name: String)]
    private let reader: any StoreReader
    /// The derived values of the record that was asked about last: a row asks for all it shows.
    private var last: (object: String, id: String, values: [String: FieldValue])?

    init?(_ derived: [(object: String, field: String)], catalogue: Catalogue, reader: any StoreReader) {
        guard !derived.isEmpty else { return nil }
        var fields: [(object: ObjectDefinition, name: String)] = []
        for (object, field) in derived {
            guard let definition = catalogue.object(object) else { return nil }
            fields.append((definition, field))
        }
        self.fields = fields
        self.reader = reader
    }

    func value(_ index: Int, ofRecord id: String) throws -> FieldValue {
        let (object, name) = fields[index]
        if let last, last.object == object.name, last.id == id { return last.values[name] ?? .null }
        guard let recordID = RecordID(id), let record = try reader.record(entity: object.name, id: recordID) else {
            return .null
        }
        let values = try DerivedFields.values(of: record.image, object, reader)
        last = (object.name, id, values)
        return values[name] ?? .null
    }
}
