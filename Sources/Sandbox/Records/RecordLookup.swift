import ChangeEvents
import Store

/// Finds the records of an object by the value of one field.
enum RecordLookup {
    /// In the order of their ids; text compares without case unless the field is case-sensitive.
    static func records(
        of object: ObjectDefinition, where field: FieldDefinition, equals value: FieldValue, includingDeleted: Bool,
        limit: Int = .max, _ reader: any StoreReader
    ) throws -> [StoredRecord] {
        let found = try reader.records(entity: object.name, where: field.name, is: value, limit: .max)
        let wanted = found.filter { record in
            guard includingDeleted || !record.isDeleted else { return false }
            return !field.isCaseSensitive || record.image.fields[field.name] == value
        }
        return Array(wanted.sorted { $0.image.id.string < $1.image.id.string }.prefix(limit))
    }
}
