import ChangeEvents
import Doors
import Store

/// What goes when a record is deleted: the record, everything that falls with it, and the references to be emptied.
/// Made whole before anything is changed, so that a refusal changes nothing.
struct DeletionPlan {
    private(set) var deleted: [(ObjectDefinition, StoredRecord)] = []
    private(set) var cleared: [(ObjectDefinition, FieldDefinition, StoredRecord)] = []

    init(of record: StoredRecord, in object: ObjectDefinition, catalogue: Catalogue, reader: any StoreReader) throws {
        var falling: Set<RecordID> = [record.image.id]
        var kept: [(by: ObjectDefinition, StoredRecord, of: StoredRecord)] = []
        deleted = [(object, record)]
        var next = 0
        while next < deleted.count {
            let (object, target) = deleted[next]
            next += 1
            for (referrer, field) in catalogue.references(to: object.name)
            where !field.isDerived && referrer.isWritable && field.name != "MasterRecordId" {
                let wanted = FieldValue.string(target.image.id.string)
                let records = try RecordLookup.records(
                    of: referrer, where: field, equals: wanted, includingDeleted: false, reader)
                for found in records {
                    switch field.reference?.deletion {
                    case .cascade:
                        if falling.insert(found.image.id).inserted { deleted.append((referrer, found)) }
                    case .restrict:
                        kept.append((referrer, found, target))
                    case .clear:
                        cleared.append((referrer, field, found))
                    case nil:
                        break
                    }
                }
            }
        }
        // What falls itself keeps nothing and needs no clearing.
        kept.removeAll { falling.contains($0.1.image.id) }
        cleared.removeAll { falling.contains($0.2.image.id) }
        if let first = kept.first {
            let blockers = kept.filter { $0.by.name == first.by.name && $0.of.image.id == first.of.image.id }
            let owner = catalogue.object(ofRecord: first.of.image.id) ?? object
            throw OrgError.deleteBlocked(
                name: RecordName.of(first.of.image, owner), plural: first.by.labelPlural,
                numbers: blockers.map { RecordName.of($0.1.image, first.by) })
        }
    }
}

/// The name of a record as an org shows it.
enum RecordName {
    static func of(_ image: RecordImage, _ object: ObjectDefinition) -> String {
        guard let field = object.fields.first(where: \.isNameField) else { return image.id.string }
        if field.kind == .personName { return person(image.fields) ?? image.id.string }
        guard case .string(let name) = image.fields[field.name] ?? .null else { return image.id.string }
        return name
    }

    /// The salutation does not count. Nil when there is no part.
    static func person(_ fields: RecordFields) -> String? {
        guard case .string(let name) = PersonName.text({ fields[$0] }) else { return nil }
        return name
    }
}
