import ChangeEvents
import Store

/// Roll-ups: a master's fields that sum up its details, brought up to date once for all changes of a transaction.
extension OrgTransaction {
    /// Notes the masters of a changed detail, the one that it has left included.
    func markMasters(of object: ObjectDefinition, _ record: StoredRecord, before: StoredRecord?) {
        for (_, _, rollUp) in catalogue.summaries(of: object.name) {
            for image in [record.image, before?.image].compactMap(\.self) {
                guard case .string(let text) = image.fields[rollUp.childReference] ?? .null, let id = RecordID(text)
                else { continue }
                staleMasters.insert(id)
            }
        }
    }

    /// Brings roll-ups up to date: before anything reads them, and before the transaction ends. A master whose roll-ups
    /// changed is changed by the user, and gets its event; its own master may follow.
    func settle() throws {
        while let id = staleMasters.popFirst() {
            guard let object = catalogue.object(ofRecord: id), let master = try stored(object, id), !master.isDeleted
            else { continue }
            var fields = master.image.fields
            for (place, _) in object.template.rollUps {
                guard let rollUp = object.fields[place].rollUp else { continue }
                fields[place] = try value(of: rollUp, id)
            }
            guard fields != master.image.fields else { continue }
            touch(&fields, of: object)
            try save(object, id, fields: fields, before: master)
        }
    }

    /// Computes new roll-up fields of every master. No event: their subscribers learn of it by the new schema.
    func fillRollUps(_ names: Set<String>, of object: ObjectDefinition) throws {
        var last: RecordID?
        while true {
            let page = try writer.records(entity: object.name, after: last, limit: Self.rollUpPageSize)
            for var record in page {
                for field in object.fields where names.contains(field.name) {
                    guard let rollUp = field.rollUp else { continue }
                    record.image.fields[field.name] = try value(of: rollUp, record.image.id)
                }
                try writer.put(record)
            }
            guard let final = page.last, page.count == Self.rollUpPageSize else { return }
            last = final.image.id
        }
    }

    /// Unchecks checkboxes that are younger than the records. No event: their subscribers learn of it by the new schema.
    func fillCheckboxes(of object: ObjectDefinition) throws {
        var last: RecordID?
        while true {
            let page = try writer.records(entity: object.name, after: last, limit: Self.rollUpPageSize)
            for var record in page {
                record.image.fields = object.template.adopted(record.image.fields)
                try writer.put(record)
            }
            guard let final = page.last, page.count == Self.rollUpPageSize else { return }
            last = final.image.id
        }
    }

    private static let rollUpPageSize = 500

    private func value(of rollUp: RollUp, _ master: RecordID) throws -> FieldValue {
        guard let child = catalogue.object(rollUp.child), let reference = child.field(rollUp.childReference) else {
            return .null
        }
        let details = try RecordLookup.records(
            of: child, where: reference, equals: .string(master.string), includingDeleted: false, writer)
        return RollUpCalculation(rollUp: rollUp, child: child).value(details.map(\.image))
    }
}
