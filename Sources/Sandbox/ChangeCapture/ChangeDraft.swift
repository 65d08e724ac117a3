import Store
import ChangeEvents

/// A change event before it has its numbers: what happened, to which records.
struct ChangeDraft {
    let captured: CapturedObject
    let changeType: ChangeType
    /// Flat names in the order of the schema; only for updates.
    let changed: [String]
    let values: [String: FieldValue]
    /// Of the changed fields, those whose value is a difference to the text before.
    let diffs: [String]
    private(set) var transitions: [RecordTransition]

    /// Nil where there is nothing to tell: no captured field changed, or the record came and went at once.
    init?(_ change: RecordChange, captured: CapturedObject) {
        guard let type = change.changeType else { return nil }
        let after = change.after.image.fields
        // A person's name is told by its parts.
        let isPerson = captured.object.nameField?.isSwitchableName == true && PersonAccountRules.isPerson(after)
        let names = isPerson ? captured.capturedNames.filter { $0 != "Name" } : captured.capturedNames
        switch type {
        case .create, .undelete:
            changed = []
            diffs = []
            values = Dictionary(uniqueKeysWithValues: names.map { ($0, after[$0] ?? .null) })
        case .update:
            let before = change.before?.image.fields ?? [:]
            changed = names.filter { (before[$0] ?? .null) != (after[$0] ?? .null) }
            guard !changed.isEmpty else { return nil }
            var values = Dictionary(uniqueKeysWithValues: changed.map { ($0, after[$0] ?? .null) })
            var diffs: [String] = []
            for name in changed where captured.largeTextNames.contains(name) {
                guard case .string(let old) = before[name] ?? .null, case .string(let new) = after[name] ?? .null,
                    let diff = TextDiff.make(from: old, to: new)
                else { continue }
                values[name] = .string(diff)
                diffs.append(name)
            }
            self.values = values
            self.diffs = diffs
        case .delete:
            changed = []
            diffs = []
            values = [:]
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .snapshot:
            preconditionFailure("a record change is never of the kind \(type.rawValue)")
        }
        self.captured = captured
        changeType = type
        let old = type == .create || type == .undelete ? nil : change.before?.image
        transitions = [RecordTransition(id: change.id, before: old, after: type == .delete ? nil : change.after.image)]
    }

    var nulled: [String] { changed.filter { values[$0] == .null } }

    /// How much the draft counts towards the overflow bound: an update counts each changed field, and every record
    /// counts.
    var weight: Int { max(1, changed.count) * transitions.count }

    /// The drafts of a transaction's changes, in the order of the first touch: the same change of the same kind to
    /// several records of one object becomes one draft.
    static func drafts(of changes: [RecordChange], captured: [String: CapturedObject]) -> [ChangeDraft] {
        var drafts: [ChangeDraft] = []
        var indexBySameness: [Sameness: Int] = [:]
        for change in changes {
            guard let object = captured[change.object.name], let draft = ChangeDraft(change, captured: object) else {
                continue
            }
            let sameness = Sameness(
                object: change.object.name, changeType: draft.changeType, changed: draft.changed, values: draft.values)
            if let index = indexBySameness[sameness] {
                drafts[index].transitions += draft.transitions
            } else {
                indexBySameness[sameness] = drafts.count
                drafts.append(draft)
            }
        }
        return drafts
    }

    private struct Sameness: Hashable {
        var object: String
        var changeType: ChangeType
        var changed: [String]
        var values: [String: FieldValue]
    }
}
