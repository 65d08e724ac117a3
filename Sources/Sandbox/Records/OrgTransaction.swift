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
        return try create(object, values, createdAt: now)
    }

    /// `createdAt` differs from now for sample data that an org would have imported with its audit fields.
    func create(_ object: String, _ values: [String: FieldValue], createdAt: Int64) throws -> RecordID {
        let object = try definition(object)
        return try create(object, object.template.given(values), createdAt: createdAt)
    }

    /// A field that is not named keeps its value. As in an org, an update that changes nothing still moves
    /// `LastModifiedDate`.
    public func update(_ object: String, _ id: RecordID, _ values: [String: FieldValue]) throws {
        let object = try definition(object)
        try update(object, id, object.template.given(values))
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
            for rule in object.template.rules where rule.field.isDerived && rule.field.isCaptured {
                image.fields[rule.place] = try paths.derived(rule.field, of: image, object)
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

    /// `given` in the shape of the object's template.
    func create(_ object: ObjectDefinition, _ given: RecordFields, createdAt: Int64) throws -> RecordID {
        guard object.isWritable else { throw OrgError.notAllowed("inserted", object: object.label) }
        let template = object.template
        try template.checkWritable(given, to: .create)
        var fields = template.blank
        for rule in template.rules {
            guard let value = given[rule.place] else { continue }
            fields[rule.place] = try checked(value, by: rule, record: nil)
        }
        for rule in template.computedDefaults where given[rule.place] == nil {
            fields[rule.place] = try computedDefault(by: rule, object)
        }
        if let owner = template.ownerID, fields[owner] ?? .null == .null { fields[owner] = .string(userID) }
        try applyRules(object, &fields, before: nil, given: given)
        try template.checkComplete(fields)
        try checkUnique(object, fields, before: nil, record: nil)
        let isPerson = object.name == "Account" && PersonAccountRules.isPerson(fields)
        let id = try insert(object, fields: consume fields, createdAt: createdAt)
        if isPerson { try addPersonContact(of: object, id) }
        return id
    }

    /// `given` in the shape of the object's template.
    func update(_ object: ObjectDefinition, _ id: RecordID, _ given: RecordFields) throws {
        guard object.isWritable else { throw OrgError.notAllowed("updated", object: object.label) }
        let stored = try live(object, id)
        let template = object.template
        try template.checkWritable(given, to: .update)
        guard stored.image.fields["IsConverted"] != .boolean(true) else { throw OrgError.convertedLead() }
        try refusePersonContact(object, stored)
        var fields = stored.image.fields
        for rule in template.rules {
            guard let value = given[rule.place] else { continue }
            fields[rule.place] = try checked(value, by: rule, record: id)
        }
        try change(object, stored, to: consume fields, given: given)
    }

    /// Judges and writes new values of a live record, as a user's change.
    func change(
        _ object: ObjectDefinition, _ stored: StoredRecord, to fields: consuming RecordFields, given: RecordFields
    ) throws {
        try applyRules(object, &fields, before: stored.image.fields, given: given)
        try object.template.checkComplete(fields)
        try checkUnique(object, fields, before: stored.image.fields, record: stored.image.id)
        touch(&fields, of: object)
        let person = object.name == "Account" && PersonAccountRules.isPerson(fields) ? copy fields : nil
        try save(object, stored.image.id, fields: fields, before: stored)
        if let person { try updatePersonContact(of: person) }
    }

    /// Marks a record as changed by the user, now.
    func touch(_ fields: inout RecordFields, of object: ObjectDefinition) {
        object.template.stampModified(&fields, at: now, by: userID)
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

    /// A record, deleted or not, in the shape of the object's template.
    func stored(_ object: ObjectDefinition, _ id: RecordID) throws -> StoredRecord? {
        guard var record = try writer.record(entity: object.name, id: id) else { return nil }
        record.image.fields = object.template.adopted(record.image.fields)
        return record
    }
}
