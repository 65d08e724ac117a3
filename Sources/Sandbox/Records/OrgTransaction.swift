public import ChangeEvents
import Doors
import Store

/// One transaction of the org: several records created, changed and deleted together. Change events are made from it
/// when it commits, one per record and merged where they say the same; when the body throws, nothing has happened.
///
/// Lives inside `Sandbox.transaction`, on the store's own thread, and must not leave it. A call that throws has changed
/// nothing: the body may catch the error and go on.
public final class OrgTransaction {
    let writer: any StoreWriter
    let catalogue: Catalogue
    let instance: String
    let userID: String
    /// Milliseconds since 1970, whole seconds: the time of every change of this transaction.
    let now: Int64
    var counters: OrgCounters
    private(set) var changes: [RecordChange] = []
    private var indexByID: [RecordID: Int] = [:]

    init(
        writer: any StoreWriter, catalogue: Catalogue, instance: String, userID: String, now: Int64,
        counters: OrgCounters
    ) {
        self.writer = writer
        self.catalogue = catalogue
        self.instance = instance
        self.userID = userID
        self.now = OrgTime.wholeSeconds(now)
        self.counters = counters
    }

    /// Throws `OrgError` for what an org would refuse.
    public func create(_ object: String, _ values: [String: FieldValue]) throws -> RecordID {
        try create(definition(object), values, createdAt: now)
    }

    /// A field that is not named keeps its value. As in an org, an update that changes nothing still moves
    /// `LastModifiedDate`.
    public func update(_ object: String, _ id: RecordID, _ values: [String: FieldValue]) throws {
        let object = try definition(object)
        guard object.isWritable else { throw OrgError.notAllowed("update", object: object.name) }
        let stored = try live(object, id)
        let validation = FieldValidation(object: object, verb: .update)
        let given = try named(values, object)
        let forbidden = validation.forbidden(among: given.keys)
        guard forbidden.isEmpty else { throw OrgError.notWritable(forbidden) }
        var fields = stored.image.fields
        for field in object.fields {
            guard let value = given[field.name] else { continue }
            fields[field.name] = try checked(value, of: field, record: id, validation)
        }
        try applyRules(object, &fields, before: stored.image.fields, given: Set(given.keys))
        let missing = validation.missing(in: fields)
        guard missing.isEmpty else { throw OrgError.requiredMissing(missing) }
        fields["LastModifiedDate"] = .dateTime(milliseconds: now)
        fields["LastModifiedById"] = .string(userID)
        fields["SystemModstamp"] = .dateTime(milliseconds: now)
        try save(object, id, fields: fields, before: stored)
    }

    /// Deletes the record and what an org deletes with it; throws `DELETE_FAILED` where something keeps it.
    public func delete(_ object: String, _ id: RecordID) throws {
        let object = try definition(object)
        guard object.isWritable else { throw OrgError.notAllowed("delete", object: object.name) }
        let record = try live(object, id)
        let plan = try DeletionPlan(of: record, in: object, catalogue: catalogue, reader: writer)
        for (object, record) in plan.deleted {
            var tombstone = record
            tombstone.isDeleted = true
            tombstone.commitTimestamp = now
            tombstone.image.fields["IsDeleted"] = .boolean(true)
            tombstone.image.fields["SystemModstamp"] = .dateTime(milliseconds: now)
            try put(object, tombstone, before: record)
        }
        for (object, field, record) in plan.cleared {
            guard let current = try writer.record(entity: object.name, id: record.image.id) else { continue }
            var fields = current.image.fields
            fields[field.name] = .null
            fields["SystemModstamp"] = .dateTime(milliseconds: now)
            try save(object, record.image.id, fields: fields, before: current)
        }
    }

    /// The record as it is now, this transaction's changes included. Throws `OrgError` when it is deleted or was never
    /// there.
    public func retrieve(_ object: String, _ id: RecordID) throws -> RecordImage {
        try live(definition(object), id).image
    }

    /// `createdAt` differs from now for sample data that an org would have imported with its audit fields.
    func create(_ object: ObjectDefinition, _ values: [String: FieldValue], createdAt: Int64) throws -> RecordID {
        guard object.isWritable else { throw OrgError.notAllowed("insert", object: object.name) }
        let validation = FieldValidation(object: object, verb: .create)
        let given = try named(values, object)
        let forbidden = validation.forbidden(among: given.keys)
        guard forbidden.isEmpty else { throw OrgError.notWritable(forbidden) }
        var fields: [String: FieldValue] = [:]
        for field in object.storedFields {
            if let value = given[field.name] {
                fields[field.name] = try checked(value, of: field, record: nil, validation)
            } else {
                fields[field.name] = field.defaultValue ?? .null
            }
        }
        if object.field("OwnerId") != nil, fields["OwnerId"] ?? .null == .null { fields["OwnerId"] = .string(userID) }
        let missing = validation.missing(in: fields)
        guard missing.isEmpty else { throw OrgError.requiredMissing(missing) }
        try applyRules(object, &fields, before: nil, given: Set(given.keys))
        return try insert(object, fields: fields, createdAt: createdAt)
    }

    /// Writes a new record of any object, without judging it: for what the org makes by itself (users).
    func insert(_ object: ObjectDefinition, fields: [String: FieldValue], createdAt: Int64) throws -> RecordID {
        let id = try counters.nextRecordID(prefix: object.keyPrefix, instance: instance)
        var fields = fields
        let created = OrgTime.wholeSeconds(createdAt)
        let author = userID.isEmpty ? id.string : userID
        for field in object.fields where field.kind == .autoNumber {
            fields[field.name] = .string(counters.nextAutonumber(object: object.name))
        }
        fields["IsDeleted"] = .boolean(false)
        fields["CreatedDate"] = .dateTime(milliseconds: created)
        fields["CreatedById"] = .string(author)
        fields["LastModifiedDate"] = .dateTime(milliseconds: created)
        fields["LastModifiedById"] = .string(author)
        fields["SystemModstamp"] = .dateTime(milliseconds: now)
        try save(object, id, fields: fields, before: nil)
        return id
    }

    private func definition(_ name: String) throws -> ObjectDefinition {
        guard let object = catalogue.object(name) else { throw OrgError.objectNotFound() }
        return object
    }

    private func live(_ object: ObjectDefinition, _ id: RecordID) throws -> StoredRecord {
        guard let record = try writer.record(entity: object.name, id: id) else { throw OrgError.recordNotFound() }
        guard !record.isDeleted else { throw OrgError.recordDeleted() }
        return record
    }

    /// The values under the fields' declared names.
    private func named(_ values: [String: FieldValue], _ object: ObjectDefinition) throws -> [String: FieldValue] {
        var named: [String: FieldValue] = [:]
        for (name, value) in values {
            guard let field = object.field(name) else { throw OrgError.noSuchColumn(name, object: object.name) }
            named[field.name] = value
        }
        return named
    }

    private func checked(
        _ value: FieldValue, of field: FieldDefinition, record: RecordID?, _ validation: FieldValidation
    ) throws -> FieldValue {
        let value = try validation.checked(value, of: field)
        guard let target = field.reference, case .string(let text) = value, let id = RecordID(text) else {
            // An emptied picklist or text is null; an emptied owner falls back to the caller.
            return value == .null && field.name == "OwnerId" ? .string(userID) : value
        }
        try checkReference(to: id, target, field, record: record)
        return value
    }

    private func checkReference(
        to id: RecordID, _ target: ReferenceTarget, _ field: FieldDefinition, record: RecordID?
    ) throws {
        guard let object = catalogue.object(ofRecord: id) else { throw OrgError.badReference(field) }
        guard target.objects.contains(object.name) else {
            throw OrgError.malformedID(id.string, label: field.label, field: field.name)
        }
        guard let found = try writer.record(entity: object.name, id: id) else { throw OrgError.badReference(field) }
        guard !found.isDeleted else { throw OrgError.referenceDeleted(field) }
        // A hierarchy within one object must not close to a ring.
        guard let record, record.keyPrefix == id.keyPrefix else { return }
        var ancestor: RecordID? = id
        var levels = 0
        while let current = ancestor, levels < Self.hierarchyLevelsMax {
            guard current != record else { throw OrgError.circularParent(field) }
            guard let image = try writer.record(entity: object.name, id: current)?.image,
                case .string(let next) = image.fields[field.name] ?? .null
            else { return }
            ancestor = RecordID(next)
            levels += 1
        }
        if ancestor != nil { throw OrgError.circularParent(field) }
    }

    private static let hierarchyLevelsMax = 500

    private func applyRules(
        _ object: ObjectDefinition, _ fields: inout [String: FieldValue], before: [String: FieldValue]?,
        given: Set<String>
    ) throws {
        guard object.name == ObjectDefinition.case.name else { return }
        let writer = self.writer
        try CaseRules.apply(to: &fields, before: before, given: given, now: now) { contact in
            try writer.record(entity: ObjectDefinition.contact.name, id: contact)?.image.fields["AccountId"]
        }
    }

    private func save(
        _ object: ObjectDefinition, _ id: RecordID, fields: [String: FieldValue], before: StoredRecord?
    ) throws {
        let image = RecordImage(entity: object.name, id: id, fields: fields, isComplete: true)
        let record = StoredRecord(image: image, isDeleted: false, commitTimestamp: now, needsRefetch: false)
        try put(object, record, before: before)
    }

    private func put(_ object: ObjectDefinition, _ record: StoredRecord, before: StoredRecord?) throws {
        try writer.put(record)
        if let index = indexByID[record.image.id] {
            changes[index].after = record
        } else {
            indexByID[record.image.id] = changes.count
            changes.append(RecordChange(object: object, id: record.image.id, before: before, after: record))
        }
    }
}
