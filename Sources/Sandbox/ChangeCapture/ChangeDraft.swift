import ChangeEvents
import Store

/// A change event before it has its numbers: what happened, to which records.
struct ChangeDraft {
    let captured: CapturedObject
    let changeType: ChangeType
    /// Places of fields in the order of the schema; only for updates.
    let changed: [Int]
    /// What the event says, in the shape of the object's template: the whole record where it came into being or came back,
    /// the changed fields of an update.
    let values: RecordFields
    /// Of the changed fields, those whose value is a difference to the text before.
    let diffs: [Int]
    private(set) var transitions: [RecordTransition]

    /// Nil where there is nothing to tell: no captured field changed, or the record came and went at once.
    init?(_ change: RecordChange, captured: CapturedObject) {
        guard let type = change.changeType else { return nil }
        let shape = captured.object.template.shape
        let after = change.after.image.fields.shaped(as: shape)
        // A person's name is told by its parts.
        let isPerson = captured.object.nameField?.isSwitchableName == true && PersonAccountRules.isPerson(after)
        switch type {
        case .create, .undelete:
            changed = []
            diffs = []
            var values = after
            if isPerson { for field in captured.fields where field.isName { values[field.place] = nil } }
            for place in captured.hiddenPlaces { values[place] = nil }
            self.values = values
        case .update:
            let before = change.before?.image.fields.shaped(as: shape) ?? RecordFields(shape: shape)
            var values = RecordFields(shape: shape)
            var changed: [Int] = []
            var diffs: [Int] = []
            for (index, place) in captured.places.enumerated() {
                let (old, new) = (before[place] ?? .null, after[place] ?? .null)
                guard old != new else { continue }
                let field = captured.fields[index]
                if isPerson && field.isName { continue }
                changed.append(place)
                values[place] = new
                if field.isLargeText, case .string(let old) = old, case .string(let new) = new,
                    let diff = TextDiff.make(from: old, to: new)
                {
                    values[place] = .string(diff)
                    diffs.append(place)
                }
            }
            guard !changed.isEmpty else { return nil }
            self.values = values
            self.changed = changed
            self.diffs = diffs
        case .delete:
            changed = []
            diffs = []
            values = RecordFields(shape: shape)
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .snapshot:
            preconditionFailure("a record change is never of the kind \(type.rawValue)")
        }
        self.captured = captured
        changeType = type
        let old = type == .create || type == .undelete ? nil : change.before?.image
        transitions = [RecordTransition(id: change.id, before: old, after: type == .delete ? nil : change.after.image)]
    }

    var nulled: [Int] { changed.filter { values[$0] == .null } }

    /// How much the draft counts towards the overflow bound: an update counts each changed field, and every record
    /// counts.
    var weight: Int { max(1, changed.count) * transitions.count }

    /// Records that one event tells of: their ids alone must not make it larger than an event may be.
    static let recordsMax = 10_000

    /// The drafts of a transaction's changes, in the order of the first touch: the same change of the same kind to
    /// several records of one object becomes one draft.
    ///
    /// `captured`: nil for an object that is not told of.
    static func drafts(
        of changes: [RecordChange], captured: (ObjectDefinition) -> CapturedObject?
    ) -> [ChangeDraft] {
        var drafts: [ChangeDraft] = []
        var indexBySameness: [Sameness: Int] = [:]
        var last: (object: ObjectDefinition, captured: CapturedObject?)?
        for change in changes {
            let object = change.object
            // The records of a transaction are mostly of one object.
            if last?.object !== object { last = (object, captured(object)) }
            guard let captured = last?.captured, let draft = ChangeDraft(change, captured: captured) else { continue }
            // A transaction of one record has nothing to merge.
            guard changes.count > 1 else { return [draft] }
            let sameness = Sameness(draft)
            if let index = indexBySameness[sameness], drafts[index].transitions.count < Self.recordsMax {
                drafts[index].transitions += draft.transitions
            } else {
                indexBySameness[sameness] = drafts.count
                drafts.append(draft)
            }
        }
        return drafts
    }

    /// Drafts that say the same are equal. Judged by what the event carries; what it does not carry may differ.
    private struct Sameness: Hashable {
        private let captured: CapturedObject
        private let changeType: ChangeType
        private let changed: [Int]
        private let values: RecordFields

        init(_ draft: ChangeDraft) {
            captured = draft.captured
            changeType = draft.changeType
            changed = draft.changed
            values = draft.values
        }

        static func == (left: Sameness, right: Sameness) -> Bool {
            guard left.captured.object.name == right.captured.object.name, left.changeType == right.changeType,
                left.changed == right.changed
            else { return false }
            return left.captured.places.allSatisfy { (left.values[$0] ?? .null) == (right.values[$0] ?? .null) }
        }

        /// Of the first texts only: they tell nearly all records apart, and equality looks at the rest.
        func hash(into hasher: inout Hasher) {
            hasher.combine(changeType)
            hasher.combine(changed)
            var texts = 0
            for place in captured.places where texts < Self.hashedTexts {
                guard case .string(let text)? = values[place] else { continue }
                hasher.combine(text)
                texts += 1
            }
        }

        private static let hashedTexts = 3
    }
}
