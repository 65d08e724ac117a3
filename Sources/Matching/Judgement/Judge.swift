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
    private enum Rule {
        case appearance
        case update
        /// What a delete or gap shows is decided by what the record was.
        case before
        /// By the event's own values.
        case eventOnly
    }

    private let rule: Rule
    private let before: RecordSource?
    private let after: RecordSource?
    private let event: RecordSource

    init(_ input: MatchInput) {
        let transition = input.transition
        func source(_ image: RecordImage) -> RecordSource {
            RecordSource(header: input.header, id: transition.id, image: image, values: [:])
        }
        before = transition.before.map(source)
        after = transition.after.map(source)
        event = RecordSource(header: input.header, id: transition.id, image: nil, values: input.values)
        let isTracked = transition.before != nil || transition.after != nil
        rule =
            switch input.header.changeType {
            case .create, .undelete, .snapshot: isTracked ? .appearance : .eventOnly
            case .update: isTracked ? .update : .eventOnly
            case .delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete:
                transition.before != nil ? .before : .eventOnly
            case .gapOverflow: .eventOnly
            }
    }

    /// The records that a verdict can come from: a condition that is `yes` on none of them gets nil.
    var sources: [RecordSource] {
        switch rule {
        case .eventOnly: [event]
        case .before: [before].compactMap { $0 }
        case .appearance, .update: [before, after].compactMap { $0 }
        }
    }

    /// Nil: the subscriber is not concerned. Without a condition every change is an event.
    func verdict(for condition: Condition?) -> Verdict? {
        guard let condition else { return .event }
        switch rule {
        case .eventOnly: return condition.evaluate(on: event) == .yes ? .event : nil
        case .before: return matches(condition, before) ? .event : nil
        case .appearance:
            if matches(condition, after) { return .event }
            return matches(condition, before) ? .left : nil
        case .update:
            switch (matches(condition, before), matches(condition, after)) {
            case (true, true): return .event
            case (false, true): return .entered
            case (true, false): return .left
            case (false, false): return nil
            }
        }
    }

    private func matches(_ condition: Condition, _ source: RecordSource?) -> Bool {
        guard let source else { return false }
        return condition.evaluate(on: source) == .yes
    }
}
