import ChangeEvents
import Store

/// What one change event means for one record: the rules of `docs/twin.md`, as a pure function of the event and of what was
/// known before.
struct RecordChange {
    /// Events of one transaction have been seen a second apart, so an event is only *older* than what the row has when its
    /// commit lies further back than this.
    static let commitTimestampSkewMax: Int64 = 1_000

    /// The record that was kept when this one was merged into it; null in every record that is not deleted (Object Reference,
    /// "Frequently Occurring Fields").
    private static let masterRecordField = "MasterRecordId"

    /// What becomes of the row, and the images for the log.
    struct Outcome {
        /// Nil: the row stays as it is.
        var row: StoredRecord?
        var transition: RecordTransition
        /// A text diff did not fit the stored text: said in the log once, by the caller.
        var diffFailed = false
    }

    let event: ChangeEvent
    let id: RecordID

    private var commit: Int64 { event.header.commitTimestamp }

    func outcome(on row: StoredRecord?) -> Outcome {
        switch event.header.changeType {
        case .create, .undelete: wholeRecord(on: row)
        case .update: update(on: row)
        case .delete, .gapDelete: delete(row)
        // A snapshot has never been seen in an event: what it says is not trusted, the record is read again.
        case .gapCreate, .gapUpdate, .gapUndelete, .gapOverflow, .snapshot: doubt(row)
        }
    }

    /// Within the skew the order of arrival is the truth, and the row takes the time of the event that came last: were it to
    /// keep the later one, replaying "delete, undelete" of one second would bury the undelete.
    private func isOlder(than row: StoredRecord) -> Bool { commit + Self.commitTimestampSkewMax < row.commitTimestamp }

    /// A tombstone answers every event of before the deletion with "gone". An undelete in the same second comes after it:
    /// there is no other order of the two.
    private func isBuried(by tombstone: StoredRecord) -> Bool {
        let revives = event.header.changeType == .undelete || event.header.changeType == .gapUndelete
        return revives ? commit < tombstone.commitTimestamp : commit <= tombstone.commitTimestamp
    }

    private func unchanged(_ image: RecordImage?) -> Outcome {
        Outcome(row: nil, transition: RecordTransition(id: id, before: image, after: image))
    }

    // CREATE and UNDELETE: every field comes.

    private func wholeRecord(on row: StoredRecord?) -> Outcome {
        var fields = event.values
        for name in event.enrichedFields { fields[name] = nil }
        guard let row else { return inserted(fields) }
        if row.isDeleted {
            if isBuried(by: row) { return unchanged(nil) }
            // What no event brings, or one of this schema does not, is what it was, but for what only a deleted record has.
            var last = row.image.fields.dictionary
            last[Self.masterRecordField] = nil
            return inserted(last.merging(fields) { $1 }, over: row.image)
        }
        if isOlder(than: row) { return filled(row, with: fields) }
        // What no event brings (formula fields, SystemModstamp from a snapshot) stays.
        var after = row
        after.image.fields.merge(fields) { $1 }
        after.needsRefetch = row.needsRefetch && commit < row.commitTimestamp
        // What came before it, of the same second, said something else.
        after.image.isComplete = !after.needsRefetch
        after.commitTimestamp = commit
        return changed(row.image, named(after, before: row.image))
    }

    private func inserted(_ fields: [String: FieldValue], over last: RecordImage? = nil) -> Outcome {
        let image = RecordImage(entity: event.header.entityName, id: id, fields: fields, isComplete: true)
        let record = StoredRecord(image: image, isDeleted: false, commitTimestamp: commit, needsRefetch: false)
        return changed(nil, named(record, before: last))
    }

    /// With the name that the event's parts make, in the order of the name before. Where it cannot be made, it is to be read.
    private func named(_ record: StoredRecord, before: RecordImage?) -> StoredRecord {
        guard let parts = event.nameParts else { return record }
        var record = record
        let fields = record.image.fields
        let isKnown = !parts.isEmpty && (record.image.isComplete || parts.allSatisfy { fields[$0] != nil })
        var name: FieldValue?
        if isKnown, let before, let known = before.fields[PersonName.field], known != .null {
            name = PersonName.text(like: known, of: { before.fields[$0] }, { fields[$0] })
        } else if isKnown {
            name = PersonName.text { fields[$0] }
        }
        record.image.fields[PersonName.field] = name
        if name == nil {
            record.image.isComplete = false
            record.needsRefetch = true
        }
        return record
    }

    // UPDATE: some fields come.

    private func update(on row: StoredRecord?) -> Outcome {
        if let row, !row.isDeleted {
            return isOlder(than: row) ? filled(row, with: plainValues) : merged(row)
        }
        if let row, isBuried(by: row) { return unchanged(nil) }
        // Never seen, or deleted and back without an UNDELETE: known fields only, and a refetch is due.
        var image = RecordImage(
            entity: event.header.entityName, id: id, fields: row?.image.fields ?? [:], isComplete: false)
        image.fields.merge(plainValues) { $1 }
        for name in diffNames { image.fields[name] = nil }
        return changed(nil, StoredRecord(image: image, isDeleted: false, commitTimestamp: commit, needsRefetch: true))
    }

    private func merged(_ row: StoredRecord) -> Outcome {
        var after = row
        after.commitTimestamp = commit
        var diffFailed = false
        let diffs = diffNames
        let enriched = Set(event.enrichedFields)
        for (name, value) in event.values {
            if diffs.contains(name) {
                if let text = patched(row.image.fields[name], with: value) {
                    after.image.fields[name] = .string(text)
                } else {
                    // The old text is not the record's any more and the new one is not known: no value is the truth.
                    after.image.fields[name] = nil
                    after.image.isComplete = false
                    after.needsRefetch = true
                    diffFailed = true
                }
            } else if !enriched.contains(name) {
                after.image.fields[name] = value
            } else if !row.image.isComplete, row.image.fields[name] == nil {
                // Enriched values are read at delivery, so they may be ahead of this event: they fill what is unknown, but
                // never replace what events have brought in order.
                after.image.fields[name] = value
            }
        }
        var outcome = changed(row.image, named(after, before: row.image))
        outcome.diffFailed = diffFailed
        return outcome
    }

    private func patched(_ base: FieldValue?, with diff: FieldValue) -> String? {
        guard case .string(let base)? = base, case .string(let diff) = diff else { return nil }
        return try? TextDiff.apply(diff, to: base)
    }

    /// Diffs are of long text fields, which are never compound: their names are the same in the event and in the record.
    private var diffNames: Set<String> { Set(event.diffFields) }

    private var plainValues: [String: FieldValue] {
        if event.diffFields.isEmpty { return event.values }
        let diffs = diffNames
        return event.values.filter { !diffs.contains($0.key) }
    }

    // DELETE: nothing comes, the last image stays in the tombstone.

    private func delete(_ row: StoredRecord?) -> Outcome {
        guard let row else {
            let known = RecordImage(entity: event.header.entityName, id: id, fields: event.values, isComplete: false)
            let tombstone = StoredRecord(image: known, isDeleted: true, commitTimestamp: commit, needsRefetch: false)
            return Outcome(
                row: tombstone,
                transition: RecordTransition(id: id, before: event.values.isEmpty ? nil : known, after: nil))
        }
        if row.isDeleted {
            var tombstone = row
            tombstone.commitTimestamp = max(commit, row.commitTimestamp)
            return Outcome(row: tombstone, transition: RecordTransition(id: id, before: nil, after: nil))
        }
        if isOlder(than: row) { return unchanged(row.image) }
        let tombstone = StoredRecord(
            image: row.image, isDeleted: true, commitTimestamp: commit, needsRefetch: false)
        return Outcome(row: tombstone, transition: RecordTransition(id: id, before: row.image, after: nil))
    }

    // GAP_CREATE, GAP_UPDATE, GAP_UNDELETE: the record exists and what is known of it is doubtful.

    private func doubt(_ row: StoredRecord?) -> Outcome {
        guard let row else {
            // Only what enrichment may have added; what a snapshot would say is not trusted.
            let fields: [String: FieldValue] = event.header.changeType == .snapshot ? [:] : event.values
            let image = RecordImage(entity: event.header.entityName, id: id, fields: fields, isComplete: false)
            return changed(
                nil, StoredRecord(image: image, isDeleted: false, commitTimestamp: commit, needsRefetch: true))
        }
        if row.isDeleted {
            if isBuried(by: row) { return unchanged(nil) }
            var back = row
            back.isDeleted = false
            back.image.isComplete = false
            back.needsRefetch = true
            back.commitTimestamp = commit
            return changed(nil, back)
        }
        var after = row
        after.needsRefetch = true
        // An old gap leaves the time of the row alone: later events are not to be taken for its successors.
        after.commitTimestamp = isOlder(than: row) ? row.commitTimestamp : commit
        return changed(row.image, after)
    }

    private func changed(_ before: RecordImage?, _ after: StoredRecord) -> Outcome {
        Outcome(row: after, transition: RecordTransition(id: id, before: before, after: after.image))
    }

    /// An event from before what the row has: it may say what is not known yet, and changes nothing that is.
    private func filled(_ row: StoredRecord, with values: [String: FieldValue]) -> Outcome {
        guard !row.image.isComplete else { return unchanged(row.image) }
        var after = row
        after.image.fields.merge(values) { known, _ in known }
        return changed(row.image, after)
    }
}
