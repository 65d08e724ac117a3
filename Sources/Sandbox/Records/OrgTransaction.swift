public import ChangeEvents
import Doors
import Store

/// One transaction of the org: several records created, changed and deleted together. Change events are made from it
/// when it commits, one per record and merged where they say the same; when the body throws, nothing has happened.
///
/// Lives inside `Sandbox.transaction`, on the store's own thread, and must not leave it. A call that throws has changed
/// nothing: the body may catch the error and go on. What is several calls and yet one thing stands in a `savepoint`.
public final class OrgTransaction {
    let writer: any StoreWriter
    let catalogue: Catalogue
    let instance: String
    let userID: String
    /// Milliseconds since 1970, whole seconds: the time of every change of this transaction.
    let now: Int64
    var counters: OrgCounters
    var journal = ChangeJournal()
    /// Where platform events wait; nil: none can be published.
    var outbox: EventOutbox?
    /// Masters whose roll-ups are out of date; see `settle`.
    var staleMasters: Set<RecordID> = []
    /// What goes wrong on command; set by the sandbox.
    var faults: Faults?

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

    /// What the transaction did to each record, in the order of the first touch.
    var changes: [RecordChange] { journal.changes }

    /// Throws `OrgError` for what an org would refuse.
    public func create(_ object: String, _ values: [String: FieldValue]) throws -> RecordID {
        if let event = catalogue.event(object) { return try publish(event, values: values).id }
        return try create(definition(object), values, createdAt: now)
    }

    /// A field that is not named keeps its value. As in an org, an update that changes nothing still moves
    /// `LastModifiedDate`.
    public func update(_ object: String, _ id: RecordID, _ values: [String: FieldValue]) throws {
        let object = try definition(object)
        guard object.isWritable else { throw OrgError.notAllowed("updated", object: object.label) }
        let stored = try live(object, id)
        let validation = FieldValidation(object: object, verb: .update)
        let given = try named(values, object)
        let forbidden = validation.forbidden(among: given.keys)
        guard forbidden.isEmpty else { throw OrgError.notWritable(forbidden) }
        guard stored.image.fields["IsConverted"] != .boolean(true) else { throw OrgError.convertedLead() }
        try refusePersonContact(object, stored)
        var fields = stored.image.fields
        for field in object.fields {
            guard let value = given[field.name] else { continue }
            fields[field.name] = try checked(value, of: field, record: id, validation)
        }
        try change(object, stored, to: fields, given: Set(given.keys))
    }

    /// The record as it is now, this transaction's changes included. Throws `OrgError` when it is deleted or was never
    /// there.
    public func retrieve(_ object: String, _ id: RecordID) throws -> RecordImage {
        try settle()
        return try live(definition(object), id).image
    }

    /// What remains to be done before the transaction's events are made: roll-ups, and the formulas that events carry.
    func finish() throws {
        try settle()
        guard changes.contains(where: { $0.object.capturesFormulas }) else { return }
        let paths = RecordPaths(catalogue: catalogue, reader: writer, now: now, userID: userID)
        try journal.complete { object, image in
            guard object.capturesFormulas else { return }
            for field in object.fields where field.isDerived && field.isCaptured {
                image.fields[field.name] = try paths.derived(field, of: image, object)
            }
        }
    }

    /// What the body throws, nothing of what it did stays: for a record of a collection that is not all or none.
    public func savepoint<T>(_ body: () throws -> T) throws -> T {
        let place = journal.place
        let counters = self.counters
        do {
            return try body()
        } catch {
            try journal.undo(to: place, writer)
            self.counters = counters
            throw error
        }
    }

    /// `createdAt` differs from now for sample data that an org would have imported with its audit fields.
    func create(_ object: ObjectDefinition, _ values: [String: FieldValue], createdAt: Int64) throws -> RecordID {
        guard object.isWritable else { throw OrgError.notAllowed("inserted", object: object.label) }
        let validation = FieldValidation(object: object, verb: .create)
        let given = try named(values, object)
        let forbidden = validation.forbidden(among: given.keys)
        guard forbidden.isEmpty else { throw OrgError.notWritable(forbidden) }
        var fields: [String: FieldValue] = [:]
        for field in object.storedFields {
            if let value = given[field.name] {
                fields[field.name] = try checked(value, of: field, record: nil, validation)
            } else {
                fields[field.name] =
                    field.defaultFormula == nil
                    ? field.defaultValue ?? .null : try computedDefault(of: field, object, validation)
            }
        }
        if object.field("OwnerId") != nil, fields["OwnerId"] ?? .null == .null { fields["OwnerId"] = .string(userID) }
        try applyRules(object, &fields, before: nil, given: Set(given.keys))
        let missing = validation.missing(in: fields)
        guard missing.isEmpty else { throw OrgError.requiredMissing(missing) }
        try checkUnique(object, fields, before: nil, record: nil)
        let id = try insert(object, fields: fields, createdAt: createdAt)
        if PersonAccountRules.isPerson(fields), object.name == "Account" { try addPersonContact(of: object, id) }
        return id
    }

    /// Judges and writes new values of a live record, as a user's change.
    func change(
        _ object: ObjectDefinition, _ stored: StoredRecord, to values: [String: FieldValue], given: Set<String>
    ) throws {
        var fields = values
        try applyRules(object, &fields, before: stored.image.fields, given: given)
        let missing = FieldValidation(object: object, verb: .update).missing(in: fields)
        guard missing.isEmpty else { throw OrgError.requiredMissing(missing) }
        try checkUnique(object, fields, before: stored.image.fields, record: stored.image.id)
        touch(&fields)
        try save(object, stored.image.id, fields: fields, before: stored)
        if object.name == "Account" { try updatePersonContact(of: fields) }
    }

    /// Marks a record as changed by the user, now.
    func touch(_ fields: inout [String: FieldValue]) {
        fields["LastModifiedDate"] = .dateTime(milliseconds: now)
        fields["LastModifiedById"] = .string(userID)
        fields["SystemModstamp"] = .dateTime(milliseconds: now)
    }

    func definition(_ name: String) throws -> ObjectDefinition {
        guard let object = catalogue.object(name) else { throw OrgError.objectNotFound() }
        return object
    }

    func live(_ object: ObjectDefinition, _ id: RecordID) throws -> StoredRecord {
        guard let record = try stored(object, id) else { throw OrgError.recordNotFound() }
        guard !record.isDeleted else { throw OrgError.recordDeleted() }
        return record
    }

    /// A record, deleted or not. Checkboxes that are younger than it are unchecked.
    func stored(_ object: ObjectDefinition, _ id: RecordID) throws -> StoredRecord? {
        guard var record = try writer.record(entity: object.name, id: id) else { return nil }
        for field in object.checkboxes where record.image.fields[field] ?? .null == .null {
            record.image.fields[field] = .boolean(false)
        }
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
}
