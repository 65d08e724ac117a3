import ChangeEvents
import Store

/// Writing, once everything has been judged.
extension OrgTransaction {
    /// Writes a new record of any object, without judging it: for what the org makes by itself (users). `fields` in the
    /// shape of the object's template.
    func insert(_ object: ObjectDefinition, fields: consuming RecordFields, createdAt: Int64) throws -> RecordID {
        let template = object.template
        let id = try counters.nextRecordID(prefix: object.keyPrefix, instance: instance)
        for number in template.numbers {
            let next = try counters.nextAutonumber(of: template.rules[number.place].field, object: object.name)
            fields[number.place] = .string(number.format?.text(next, now: now) ?? String(next))
        }
        for rollUp in template.rollUps { fields[rollUp.place] = rollUp.empty }
        if let name = template.idName, fields[name] ?? .null == .null { fields[name] = .string(id.string) }
        if let isDeleted = template.isDeleted { fields[isDeleted] = .boolean(false) }
        template.stampCreated(
            &fields, at: OrgTime.wholeSeconds(createdAt), by: userID.isEmpty ? id.string : userID, now: now)
        try save(object, id, fields: fields, before: nil)
        return id
    }

    func save(
        _ object: ObjectDefinition, _ id: RecordID, fields: consuming RecordFields, before: StoredRecord?
    ) throws {
        try StreamingRules.check(object, fields, id: id, catalogue: catalogue, reader: writer)
        let image = RecordImage(entity: object.name, id: id, fields: fields, isComplete: true)
        let record = StoredRecord(image: image, isDeleted: false, commitTimestamp: now, needsRefetch: false)
        try put(object, record, before: before)
    }

    func put(_ object: ObjectDefinition, _ record: StoredRecord, before: StoredRecord?) throws {
        try faults?.checkWrite(object: object.name, id: before == nil ? nil : record.image.id.string)
        if before == nil { try writer.insert(record) } else { try writer.put(record) }
        journal.put(object, record, before: before)
        markMasters(of: object, record, before: before)
        // What went on below it while it was in the recycle bin is not in its roll-ups.
        if object.hasRollUps, before?.isDeleted == true { staleMasters.insert(record.image.id) }
    }

    /// Keeps a small value with the transaction.
    func setState(_ key: String, to value: [UInt8]?) throws {
        journal.setState(key, before: try writer.state(key))
        try writer.setState(key, to: value)
    }
}
