import ChangeEvents
import Doors
import Store

/// Judging values that need other records: references and unique fields.
extension OrgTransaction {
    func checked(_ value: FieldValue, by rule: FieldRule, record: RecordID?) throws -> FieldValue {
        let value = try rule.checked(value)
        let field = rule.field
        guard let target = field.reference, !field.isFixedReference, case .string(let text) = value,
            let id = RecordID(text)
        else {
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
        guard let isDeleted = try writer.isDeleted(entity: object.name, id: id) else {
            throw OrgError.badReference(field)
        }
        guard !isDeleted else { throw OrgError.referenceDeleted(field) }
        if let record, try closesRing(record, field, target: id) { throw OrgError.circularParent(field) }
    }

    /// Whether a reference of a record to another of its object would close a ring: the hierarchy above the other leads
    /// back to the record, or goes higher than an org allows.
    func closesRing(_ record: RecordID, _ field: FieldDefinition, target: RecordID) throws -> Bool {
        guard record.hasKeyPrefix(of: target), let object = catalogue.object(ofRecord: target) else {
            return false
        }
        var ancestor: RecordID? = target
        for _ in 0..<Self.hierarchyLevelsMax {
            guard let current = ancestor else { return false }
            if current == record { return true }
            guard let image = try writer.record(entity: object.name, id: current)?.image,
                case .string(let next) = image.fields[field.name] ?? .null
            else { return false }
            ancestor = RecordID(next)
        }
        return true
    }

    private static let hierarchyLevelsMax = 500

    /// Refuses a value that another live record has in a unique field.
    func checkUnique(
        _ object: ObjectDefinition, _ fields: RecordFields, before: RecordFields?, record: RecordID?
    ) throws {
        for field in object.uniqueFields {
            let value = fields[field.name] ?? .null
            guard value != .null, value != before?[field.name] else { continue }
            let others = try RecordLookup.records(
                of: object, where: field, equals: value, includingDeleted: false, limit: 2, writer)
            if let other = others.first(where: { $0.image.id != record }) {
                throw OrgError.duplicate(field, other: other.image.id)
            }
        }
    }

    func applyRules(
        _ object: ObjectDefinition, _ fields: inout RecordFields, before: RecordFields?, given: RecordFields
    ) throws {
        let rules = RecordRules(now: now, userID: userID) { [self] id in
            guard let object = catalogue.object(ofRecord: id),
                let record = try writer.record(entity: object.name, id: id), !record.isDeleted
            else { return nil }
            return record.image
        } isUsernameTaken: { [self] username in
            guard let name = object.field("Username") else { return false }
            let found = try RecordLookup.records(
                of: object, where: name, equals: .string(username), includingDeleted: false, limit: 1, writer)
            return !found.isEmpty
        }
        try rules.apply(to: &fields, of: object, before: before, given: given)
    }
}
