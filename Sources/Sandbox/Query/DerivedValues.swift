import ChangeEvents
import Store

/// The derived fields of a query, worked out while it runs. For one plan, on the store's thread.
final class DerivedValues: RowDerivation {
    private let fields: [(object: ObjectDefinition, name: String)]
    private let reader: any StoreReader
    private let paths: RecordPaths
    /// The derived values of the record that was asked about last: a row asks for all it shows.
    private var last: (object: String, id: String, values: [String: FieldValue])?

    /// `now`: what `NOW()` means in formulas.
    init?(
        _ derived: [(object: String, field: String)], catalogue: Catalogue, now: Int64, userID: String?,
        reader: any StoreReader
    ) {
        guard !derived.isEmpty else { return nil }
        var fields: [(object: ObjectDefinition, name: String)] = []
        for (object, field) in derived {
            guard let definition = catalogue.object(object) else { return nil }
            fields.append((definition, field))
        }
        self.fields = fields
        self.reader = reader
        paths = RecordPaths(catalogue: catalogue, reader: reader, now: now, userID: userID)
    }

    func value(_ index: Int, ofRecord id: String) throws -> FieldValue {
        let (object, name) = fields[index]
        if let last, last.object == object.name, last.id == id { return last.values[name] ?? .null }
        guard let recordID = RecordID(id), let record = try reader.record(entity: object.name, id: recordID) else {
            return .null
        }
        let values = try DerivedFields.values(of: record.image, object, paths)
        last = (object.name, id, values)
        return values[name] ?? .null
    }
}
