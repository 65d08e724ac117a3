public import ChangeEvents
public import Doors
import Store

/// More than one record has the value that a call names one by: REST answers 300 with their addresses.
public struct ExternalIDMatches: Error, Sendable, Hashable {
    public var object: String
    public var field: String
    public var ids: [RecordID]

    /// As a collection says it of one record.
    public var orgError: OrgError {
        OrgError(
            status: 300, errorCode: "DUPLICATE_EXTERNAL_ID",
            message: "\(field): more than one record found for external id field: "
                + "[\(ids.map { String($0.short) }.joined(separator: ", "))]", fields: [field])
    }
}

extension OrgTransaction {
    /// Creates or updates the record that an external id names. The field may be `Id` as well.
    ///
    /// Throws `OrgError`, or `ExternalIDMatches` where several records have the value.
    public func upsert(
        _ object: String, by field: String, _ value: String, _ values: [String: FieldValue]
    ) throws -> (id: RecordID, isCreated: Bool) {
        let object = try definition(object)
        return try upsert(object, by: ExternalID.field(field, of: object), value, object.template.given(values))
    }

    /// `given` in the shape of the object's template.
    func upsert(
        _ object: ObjectDefinition, by key: FieldDefinition, _ value: String, _ given: RecordFields
    ) throws -> (id: RecordID, isCreated: Bool) {
        guard given[key.name] == nil else { throw OrgError.keyInBody(key) }
        if let found = try ExternalID.record(of: object, key, value, writer) {
            try update(object, found.image.id, given)
            return (found.image.id, false)
        }
        if key.kind == .id { throw OrgError.recordNotFound() }
        var given = given
        // A number that the org gives cannot be given.
        if key.kind != .autoNumber { given[key.name] = FieldText.value(value, of: key) ?? .null }
        return (try create(object, given, createdAt: now), true)
    }

    /// The record with an external id; nil: there is none.
    public func find(_ object: String, by field: String, _ value: String) throws -> RecordImage? {
        let object = try definition(object)
        return try ExternalID.record(of: object, ExternalID.field(field, of: object), value, writer)?.image
    }
}

/// Records that calls name by a field of their own.
enum ExternalID {
    /// `Id`, or a field that records are found by.
    static func field(_ name: String, of object: ObjectDefinition) throws(OrgError) -> FieldDefinition {
        guard let field = object.visibleField(name), field.isExternalID || field.kind == .id else {
            throw .externalIDUnknown(name)
        }
        return field
    }

    /// Nil: no live record has the value. Throws `ExternalIDMatches` where several have it.
    static func record(
        of object: ObjectDefinition, _ key: FieldDefinition, _ text: String, _ reader: any StoreReader
    ) throws -> StoredRecord? {
        if key.kind == .id {
            guard let id = RecordID(text), id.keyPrefix == object.keyPrefix else {
                throw OrgError.malformedID(text, label: "\(object.label) ID", field: "Id")
            }
            guard let found = try reader.record(entity: object.name, id: id) else { throw OrgError.recordNotFound() }
            guard !found.isDeleted else { throw OrgError.recordDeleted() }
            return found
        }
        guard let value = FieldText.value(text, of: key), value != .null else {
            throw OrgError.cannotRead(key, token: "VALUE_STRING", value: text)
        }
        let found = try RecordLookup.records(
            of: object, where: key, equals: value, includingDeleted: false, limit: matchesMax, reader)
        guard found.count <= 1 else {
            throw ExternalIDMatches(object: object.name, field: key.name, ids: found.map(\.image.id))
        }
        return found.first
    }

    /// How many of several are named.
    private static let matchesMax = 10
}
