import ChangeEvents
import Doors
import Store

/// The org inside one call of the doors: one transaction, or one snapshot for calls that only read.
///
/// An `OrgError` is the caller's affair and leaves the transaction as it was before the call; anything else (the disk) is
/// kept in `failure` and ends the whole transaction, whatever the body makes of the error that it sees.
final class OrgView: OrgWork {
    let sandbox: Sandbox
    let context: CallContext
    let catalogue: Catalogue
    let reader: any StoreReader
    /// Nil for calls that only read.
    let transaction: OrgTransaction?
    private var failure: (any Error)?

    init(
        sandbox: Sandbox, context: CallContext, catalogue: Catalogue, reader: any StoreReader,
        transaction: OrgTransaction?
    ) {
        self.sandbox = sandbox
        self.context = context
        self.catalogue = catalogue
        self.reader = reader
        self.transaction = transaction
    }

    /// What the body answered, unless something went wrong that undoes it all.
    func finished<T>(_ answer: T) throws -> T {
        if let failure { throw failure }
        return answer
    }

    /// Runs a piece of work, turning what is no `OrgError` into one and remembering it.
    func guarded<T>(_ body: () throws -> T) throws(OrgError) -> T {
        do {
            return try body()
        } catch let error as OrgError {
            throw error
        } catch let matches as ExternalIDMatches {
            var error = matches.orgError
            let path = "/services/data/v\(context.apiVersion)/sobjects/\(matches.object)/"
            error.choices = matches.ids.map { path + $0.string }
            throw error
        } catch {
            failure = error
            throw .internalFailure()
        }
    }

    func definition(_ name: String) throws(OrgError) -> ObjectDefinition {
        if let object = catalogue.object(name) { return object }
        if name.lowercased() == EventLogFile.objectName.lowercased() { return EventLogFile.definition }
        throw .objectNotFound()
    }

    /// Writes name the record they mean: an id of another kind is refused as such.
    func recordID(_ text: String, _ object: ObjectDefinition) throws(OrgError) -> RecordID {
        guard let id = RecordID(text), id.keyPrefix == object.keyPrefix else {
            throw .malformedID(text, label: "\(object.label) ID", field: "Id")
        }
        return id
    }

    func writer() throws(OrgError) -> OrgTransaction {
        guard let transaction else { throw .internalFailure() }
        return transaction
    }
}

// Writing.
extension OrgView {
    func create(_ object: String, _ fields: [JSONValue.Member]) throws(OrgError) -> SavedRecord {
        if let event = catalogue.event(object) {
            let transaction = try writer()
            let published = try guarded { try transaction.publish(event, fields) }
            // A success that has errors: the message is the event's UUID.
            let remark = OrgError(status: 201, errorCode: "OPERATION_ENQUEUED", message: published.uuid, fields: [])
            return SavedRecord(id: published.id, isCreated: true, remarks: [remark])
        }
        let definition = try definition(object)
        let transaction = try writer()
        let id = try guarded {
            try transaction.create(
                definition, transaction.values(definition, fields), createdAt: transaction.now)
        }
        return SavedRecord(id: id.string, isCreated: true)
    }

    func update(_ object: String, _ id: String, _ fields: [JSONValue.Member]) throws(OrgError) {
        let definition = try definition(object)
        let recordID = try recordID(id, definition)
        let transaction = try writer()
        try guarded {
            try transaction.update(definition, recordID, transaction.values(definition, fields))
        }
    }

    func upsert(
        _ object: String, _ key: ExternalKey, _ fields: [JSONValue.Member]
    ) throws(OrgError) -> SavedRecord {
        let definition = try definition(object)
        let transaction = try writer()
        return try guarded {
            let given = try transaction.values(definition, fields)
            let (id, isCreated) = try transaction.upsert(
                definition, by: ExternalID.field(key.field, of: definition), Self.text(key.value), given)
            return SavedRecord(id: id.string, isCreated: isCreated)
        }
    }

    func delete(_ object: String, _ id: String) throws(OrgError) {
        let definition = try definition(object)
        let recordID = try recordID(id, definition)
        let transaction = try writer()
        try guarded { try transaction.delete(definition.name, recordID) }
    }

    func part(_ body: () throws -> Bool) throws {
        do {
            try writer().savepoint { if try !body() { throw PartFailed() } }
        } catch is PartFailed {}
    }

    /// The body of a part has answered that it failed.
    private struct PartFailed: Error {}

    static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text), .number(let text): text
        case .boolean(let flag): String(flag)
        case .null, .array, .object: ""
        }
    }
}

// Reading.
extension OrgView {
    func retrieve(_ object: String, _ id: String, fields: [String]?) throws(OrgError) -> FoundRecord {
        let definition = try definition(object)
        guard let recordID = RecordID(id), recordID.keyPrefix == definition.keyPrefix else {
            throw .externalIDUnknown(id)
        }
        if definition.name == EventLogFile.objectName { return try eventLogFile(recordID, fields: fields) }
        let found = try guarded { () -> (StoredRecord, [String: FieldValue])? in
            try transaction?.settle()
            guard let record = try reader.record(entity: definition.name, id: recordID) else { return nil }
            let derived = try DerivedFields.values(
                of: record.image, definition, catalogue: catalogue, now: sandbox.configuration.clock(),
                userID: context.session.userID, reader)
            return (record, derived)
        }
        guard let (record, derived) = found else { throw .recordNotFound() }
        guard !record.isDeleted else { throw .recordDeleted() }
        let answer = RecordAnswer(
            object: definition, image: record.image, apiVersion: context.apiVersion, derived: derived)
        var modified: Int64?
        if case .dateTime(let milliseconds) = record.image.fields["LastModifiedDate"] { modified = milliseconds }
        return FoundRecord(
            document: try answer.json(fields: fields), lastModified: modified,
            entityTag: EntityTag.make(definition, record.image))
    }

    func id(of object: String, _ key: ExternalKey) throws(OrgError) -> String {
        let definition = try definition(object)
        let field = try ExternalID.field(key.field, of: definition)
        if field.kind == .id { return try recordID(Self.text(key.value), definition).string }
        let found = try guarded { try ExternalID.record(of: definition, field, Self.text(key.value), reader) }
        guard let found else { throw .recordNotFound() }
        return found.image.id.string
    }

    func isKey(_ field: String, of object: String) throws(OrgError) -> Bool {
        guard let field = try definition(object).visibleField(field) else { return false }
        return field.kind == .id || field.isExternalID
    }

    func object(ofID id: String) -> String? {
        RecordID(id).flatMap { catalogue.object(ofRecord: $0) }?.name
    }

    func relationship(_ name: String, of object: String, _ id: String) throws(OrgError) -> Relationship? {
        let definition = try definition(object)
        if let field = definition.visibleFields.first(where: {
            $0.reference?.relationshipName?.lowercased() == name.lowercased()
        }) {
            let recordID = try recordID(id, definition)
            let found = try guarded { try reader.record(entity: definition.name, id: recordID) }
            guard let found else { throw .recordNotFound() }
            guard !found.isDeleted else { throw .recordDeleted() }
            guard case .string(let text)? = found.image.fields[field.name], let target = RecordID(text) else {
                return .parent(object: field.reference?.objects.first ?? "", id: nil)
            }
            return .parent(object: catalogue.object(ofRecord: target)?.name ?? "", id: target.string)
        }
        guard let child = try childReference(name, of: object) else { return nil }
        let recordID = try recordID(id, definition)
        let found = try guarded { try reader.record(entity: definition.name, id: recordID) }
        guard let found else { throw .recordNotFound() }
        guard !found.isDeleted else { throw .recordDeleted() }
        return .children(object: child.object, field: child.field)
    }

    func childReference(_ name: String, of object: String) throws(OrgError) -> (object: String, field: String)? {
        let definition = try definition(object)
        let describe = Describe(catalogue: catalogue, apiVersion: context.apiVersion)
        for (referrer, field) in catalogue.references(to: definition.name) where !field.isHidden {
            guard case .string(let relationship) = describe.childRelationshipName(referrer, field),
                relationship.lowercased() == name.lowercased()
            else { continue }
            return (referrer.name, field.name)
        }
        return nil
    }

    func describeGlobal() throws(OrgError) -> Description {
        Description(
            document: Describe(catalogue: catalogue, apiVersion: context.apiVersion).global(),
            lastModified: sandbox.schemaTimes.changedAt)
    }

    func describe(_ object: String) throws(OrgError) -> Description {
        let describe = Describe(catalogue: catalogue, apiVersion: context.apiVersion)
        if let definition = describe.definition(object) {
            return Description(
                document: describe.object(definition), lastModified: sandbox.schemaTimes.changedAt(definition.name))
        }
        let name = object.lowercased()
        let computed = sandbox.computedObjects.first { $0.definition.name.lowercased() == name }
        guard let definition = computed?.definition else { throw .objectNotFound() }
        return Description(
            document: describe.object(definition), lastModified: sandbox.schemaTimes.changedAt(definition.name))
    }
}
