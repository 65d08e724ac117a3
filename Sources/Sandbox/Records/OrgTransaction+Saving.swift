import ChangeEvents
import Store

/// Writing, once everything has been judged.
extension OrgTransaction {
    /// Writes a new record of any object, without judging it: for what the org makes by itself (users).
    func insert(_ object: ObjectDefinition, fields: [String: FieldValue], createdAt: Int64) throws -> RecordID {
        let id = try counters.nextRecordID(prefix: object.keyPrefix, instance: instance)
        var fields = fields
        let created = OrgTime.wholeSeconds(createdAt)
        let author = userID.isEmpty ? id.string : userID
        for field in object.fields {
            if field.kind == .autoNumber, !field.isDerived {
                let number = counters.nextAutonumber(of: field, object: object.name)
                let format = field.displayFormat.flatMap { AutoNumberFormat($0) }
                fields[field.name] = .string(format?.text(number, now: now) ?? String(number))
            } else if let rollUp = field.rollUp {
                fields[field.name] = RollUpCalculation.empty(rollUp)
            } else if object.category == .custom, field.isNameField, fields[field.name] ?? .null == .null {
                // A custom object's record without a name is called by its id.
                fields[field.name] = .string(id.string)
            }
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

    func save(
        _ object: ObjectDefinition, _ id: RecordID, fields: [String: FieldValue], before: StoredRecord?
    ) throws {
        try StreamingRules.check(object, fields, id: id, catalogue: catalogue, reader: writer)
        let image = RecordImage(entity: object.name, id: id, fields: fields, isComplete: true)
        let record = StoredRecord(image: image, isDeleted: false, commitTimestamp: now, needsRefetch: false)
        try put(object, record, before: before)
    }

    func put(_ object: ObjectDefinition, _ record: StoredRecord, before: StoredRecord?) throws {
        try faults?.checkWrite(object: object.name, id: before == nil ? nil : record.image.id.string)
        try writer.put(record)
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
