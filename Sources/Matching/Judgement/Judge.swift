internal import ChangeEvents
internal import SOQL

/// Decides what one record change is to a subscriber with a condition: the one place where before, after and the kind
/// of change come together. Made once per change, asked once per distinct condition. A value on the caller's stack.
///
/// "Unknown" never delivers: what cannot be judged is not shown.
///
/// | change | before | after | verdict |
/// |---|---|---|---|
/// | create, undelete | any | yes | event |
/// | | yes | not yes | left (a create of a record that was already here: it was shown) |
/// | update | yes | yes | event |
/// | | no, unknown | yes | entered |
/// | | yes | no, unknown | left: the subscriber has the record, and `left` carries no values |
/// | | no, unknown | no, unknown | nothing: it was never shown |
/// | delete | yes | – | event |
/// | gap | yes | – | event (a gap says nothing of the after image: it is taken to be as before) |
///
/// A record without any image (its object is not tracked, or nothing was known of it) is judged on the event's own
/// values alone: `yes` is `event`, everything else nothing. There is no `entered` or `left`, for there is no before. An
/// update of a record that was unknown until now has an after image and no before image; its before is `unknown`, so it
/// can enter (and then comes whole), but not leave. An overflow names no record, so only what its header says can
/// satisfy a condition.
struct Judge {
    enum Rule {
        case appearance
        case update
        /// What a delete or gap shows is decided by what the record was.
        case before
        /// By the event's own values, which stand in for the image after.
        case eventOnly
    }

    let rule: Rule
    /// The record before the change; nil where it is not known or does not matter.
    let before: RecordSource?
    /// The record after the change, or the event's own values.
    let after: RecordSource?

    init(_ input: MatchInput) {
        let transition = input.transition
        func source(_ image: RecordImage?) -> RecordSource {
            RecordSource(
                header: input.header, id: transition.id, image: image, values: image == nil ? input.values : [:])
        }
        let isTracked = transition.before != nil || transition.after != nil
        rule =
            switch input.header.changeType {
            case .create, .undelete, .snapshot: isTracked ? .appearance : .eventOnly
            case .update: isTracked ? .update : .eventOnly
            case .delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete:
                transition.before != nil ? .before : .eventOnly
            case .gapOverflow: .eventOnly
            }
        switch rule {
        case .eventOnly: (before, after) = (nil, source(nil))
        case .before: (before, after) = (transition.before.map(source), nil)
        case .appearance, .update: (before, after) = (transition.before.map(source), transition.after.map(source))
        }
    }

    /// Nil: the subscriber is not concerned. Without a condition every change is an event.
    func verdict(for condition: Condition?) -> Verdict? {
        guard let condition else { return .event }
        return rule.verdict(before: matches(condition, before), after: matches(condition, after))
    }

    private func matches(_ condition: Condition, _ source: RecordSource?) -> Bool {
        guard let source else { return false }
        return condition.evaluate(on: source) == .yes
    }
}

extension Judge.Rule {
    /// By whether the condition is `yes` on the record before and after; false where there is no such record.
    func verdict(before: Bool, after: Bool) -> Verdict? {
        switch self {
        case .eventOnly: after ? .event : nil
        case .before: before ? .event : nil
        case .appearance: after ? .event : before ? .left : nil
        case .update:
            switch (before, after) {
            case (true, true): .event
            case (false, true): .entered
            case (true, false): .left
            case (false, false): nil
            }
        }
    }
}
