public import ChangeEvents
import Doors
import Store

/// What a merge did.
public struct MergeOutcome: Sendable, Hashable {
    public var masterID: RecordID
    /// Records that are in the master now, and deleted.
    public var mergedIDs: [RecordID]
    /// Records that referred to one of those and refer to the master now.
    public var updatedRelatedIDs: [RecordID]
}

extension OrgTransaction {
    /// Records that one merge takes into its master.
    private static let mergedMax = 2

    /// Merges accounts, contacts, leads or cases: the master takes the values given, everything that referred to the
    /// others refers to it, and the others are deleted with `MasterRecordId` naming it.
    public func merge(
        _ object: String, into masterID: RecordID, taking values: [String: FieldValue] = [:], from others: [RecordID]
    ) throws -> MergeOutcome {
        try savepoint {
            let object = try definition(object)
            guard object.isMergeable else { throw OrgError.notAllowed("merged", object: object.label) }
            guard (1...Self.mergedMax).contains(others.count) else {
                throw OrgError.cannotMerge("merge takes one or two records into the master")
            }
            guard !others.contains(masterID), Set(others).count == others.count else {
                throw OrgError.cannotMerge("a record cannot be merged with itself")
            }
            let losers = try others.map { try live(object, $0) }
            _ = try live(object, masterID)
            var related: [RecordID] = []
            for loser in losers {
                related += try redirect(from: loser.image.id, to: masterID, in: object)
                guard let current = try stored(object, loser.image.id) else { continue }
                try delete(object, current, masterRecord: masterID)
            }
            if !values.isEmpty { try update(object.name, masterID, values) }
            var seen = Set(others)
            return MergeOutcome(
                masterID: masterID, mergedIDs: others, updatedRelatedIDs: related.filter { seen.insert($0).inserted })
        }
    }

    /// Points every live reference to one record at another.
    func redirect(from old: RecordID, to new: RecordID, in object: ObjectDefinition) throws -> [RecordID] {
        var changed: [RecordID] = []
        for (referrer, field) in catalogue.references(to: object.name)
        where !field.isDerived && referrer.isWritable && field.name != "MasterRecordId" {
            let found = try RecordLookup.records(
                of: referrer, where: field, equals: .string(old.string), includingDeleted: false, writer)
            for record in found {
                guard let current = try stored(referrer, record.image.id) else { continue }
                var fields = current.image.fields
                // A record does not become its own ancestor.
                let isRing = try closesRing(record.image.id, field, target: new)
                fields[field.name] = isRing ? .null : .string(new.string)
                touch(&fields, of: referrer)
                try save(referrer, record.image.id, fields: fields, before: current)
                changed.append(record.image.id)
            }
        }
        return changed
    }
}
