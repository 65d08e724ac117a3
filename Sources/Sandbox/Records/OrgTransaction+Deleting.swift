public import ChangeEvents
import Doors
import Store

extension OrgTransaction {
    /// Deletes the record and what an org deletes with it; throws `DELETE_FAILED` where something keeps it.
    public func delete(_ object: String, _ id: RecordID) throws {
        let object = try definition(object)
        guard object.isDeletable else { throw OrgError.notAllowed("deleted", object: object.label) }
        let record = try live(object, id)
        try refusePersonContact(object, record)
        try delete(object, record, masterRecord: nil)
    }

    /// `masterRecord`: the one that a merge keeps in this one's place.
    func delete(_ object: ObjectDefinition, _ record: StoredRecord, masterRecord: RecordID?) throws {
        let plan = try DeletionPlan(of: record, in: object, catalogue: catalogue, reader: writer)
        for (object, found) in plan.deleted {
            var fallen = found
            // What fell with the record comes as the store has it: formulas that events carry have no place there.
            fallen.image.fields = object.template.adopted(found.image.fields)
            var tombstone = fallen
            tombstone.isDeleted = true
            tombstone.commitTimestamp = now
            tombstone.image.fields["IsDeleted"] = .boolean(true)
            tombstone.image.fields["SystemModstamp"] = .dateTime(milliseconds: now)
            if let masterRecord, fallen.image.id == record.image.id {
                tombstone.image.fields["MasterRecordId"] = .string(masterRecord.string)
            }
            try put(object, tombstone, before: fallen)
        }
        for (object, field, referrer) in plan.cleared {
            guard let current = try stored(object, referrer.image.id) else { continue }
            var fields = current.image.fields
            fields[field.name] = .null
            fields["SystemModstamp"] = .dateTime(milliseconds: now)
            try save(object, referrer.image.id, fields: fields, before: current)
        }
        let entry = RecycleBinEntry(
            fallen: plan.deleted.dropFirst().map(\.1.image.id.string),
            cleared: plan.cleared.map { RecycleBinEntry.Reference(id: $0.2.image.id.string, field: $0.1.name) })
        if !entry.isEmpty { try setState(RecycleBinEntry.key(of: record.image.id), to: entry.bytes) }
    }

    /// Brings a record back from the recycle bin, with what fell with it and the references that were emptied and are
    /// empty still.
    public func undelete(_ object: String, _ id: RecordID) throws {
        let object = try definition(object)
        guard object.isDeletable else { throw OrgError.notAllowed("undeleted", object: object.label) }
        guard let record = try stored(object, id) else { throw OrgError.recordNotFound() }
        guard record.isDeleted else { throw OrgError.notInRecycleBin() }
        let entry = try RecycleBinEntry.read(id, writer)
        let back = try [(object, record)] + fallen(entry).filter { $0.1.isDeleted }
        // Judged whole before anything comes back.
        let returning = Set(back.map(\.1.image.id))
        let restored = try back.map { object, record in
            (object, record, try fieldsOfReturning(object, record, returning))
        }
        for (object, record, fields) in restored { try save(object, record.image.id, fields: fields, before: record) }
        for reference in entry.cleared {
            guard let referrer = RecordID(reference.id), let object = catalogue.object(ofRecord: referrer),
                let current = try stored(object, referrer), !current.isDeleted,
                current.image.fields[reference.field] ?? .null == .null, let field = object.field(reference.field),
                try !closesRing(referrer, field, target: id)
            else { continue }
            var fields = current.image.fields
            fields[reference.field] = .string(id.string)
            fields["SystemModstamp"] = .dateTime(milliseconds: now)
            try save(object, referrer, fields: fields, before: current)
        }
        if !entry.isEmpty { try setState(RecycleBinEntry.key(of: id), to: nil) }
    }

    /// Deletes a record for good. What is in the recycle bin goes without an event.
    public func purge(_ object: String, _ id: RecordID) throws {
        let object = try definition(object)
        guard object.isDeletable else { throw OrgError.notAllowed("deleted", object: object.label) }
        guard let record = try stored(object, id) else { throw OrgError.recordNotFound() }
        if !record.isDeleted { try delete(object, record, masterRecord: nil) }
        let entry = try RecycleBinEntry.read(id, writer)
        for (object, record) in try fallen(entry) where record.isDeleted {
            try remove(object, record)
            try setState(RecycleBinEntry.key(of: record.image.id), to: nil)
        }
        if let tombstone = try stored(object, id) { try remove(object, tombstone) }
        if !entry.isEmpty { try setState(RecycleBinEntry.key(of: id), to: nil) }
    }

    /// Empties the recycle bin: all of it; answers how many records went. No event tells of it.
    public func emptyRecycleBin() throws -> Int { try purge(deletedBefore: .max, limit: .max) }

    func remove(_ object: ObjectDefinition, _ record: StoredRecord) throws {
        try writer.remove(entity: object.name, id: record.image.id)
        journal.removed(object, record)
    }

    private func fallen(_ entry: RecycleBinEntry) throws -> [(ObjectDefinition, StoredRecord)] {
        try entry.fallen.compactMap { text in
            guard let id = RecordID(text), let object = catalogue.object(ofRecord: id),
                let record = try stored(object, id)
            else { return nil }
            return (object, record)
        }
    }

    /// A record as it comes back: references to what is gone are emptied, and a detail needs its master.
    private func fieldsOfReturning(
        _ object: ObjectDefinition, _ record: StoredRecord, _ returning: Set<RecordID>
    ) throws -> RecordFields {
        var fields = record.image.fields
        fields["IsDeleted"] = .boolean(false)
        if object.isMergeable { fields["MasterRecordId"] = .null }
        for field in object.fields where field.reference != nil && !field.isDerived && field.name != "MasterRecordId" {
            guard case .string(let text) = fields[field.name] ?? .null, let target = RecordID(text),
                !returning.contains(target), let referred = catalogue.object(ofRecord: target)
            else { continue }
            if let found = try writer.record(entity: referred.name, id: target), !found.isDeleted { continue }
            guard !field.isRequired else { throw OrgError.undeleteFailed(record.image.id) }
            fields[field.name] = .null
        }
        try checkUnique(object, fields, before: nil, record: record.image.id)
        touch(&fields, of: object)
        return fields
    }
}
