public import ChangeEvents
public import SOQL

/// A class of identical frames: every connection in it gets the same bytes for the same event. The hub interns
/// (form × field mask × transport) and hands out small numbers.
public struct FrameClass: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// A subscription as its event loop numbers it: an index into the loop's arrays.
public struct SubscriptionSlot: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What becomes of a subscription for one record change.
public enum Verdict: Hashable, Sendable {
    /// The record is in view (or was, and is deleted now): the subscriber gets the event.
    case event
    /// It began to match with this change: the subscriber gets the whole record.
    case entered
    /// It matched before and does not any more: the subscriber gets `left`.
    case left
}

/// One record change as the matcher sees it.
public struct MatchInput: Sendable {
    public var channel: String
    public var header: ChangeEventHeader
    /// Flat names of the changed fields.
    public var transition: RecordTransition
    /// What the event itself says, for objects that are not tracked (by flat name).
    public var values: [String: FieldValue]
    public init(channel: String, header: ChangeEventHeader, transition: RecordTransition, values: [String: FieldValue])
    {
        self.channel = channel
        self.header = header
        self.transition = transition
        self.values = values
    }
}

/// The subscriptions of one event loop and the question which of them a change concerns. Owned and used by that loop
/// only.
///
/// `IndexMatcher` finds conditions by the record's values; `ScanMatcher`, the obvious implementation, evaluates each distinct
/// condition and is its oracle.
///
/// A merged event is matched and delivered record by record.
public protocol Matcher {
    mutating func insert(_ slot: SubscriptionSlot, channel: String, frameClass: FrameClass, condition: Condition?)
    mutating func remove(_ slot: SubscriptionSlot, channel: String)
    /// Calls `body` once for each (frame class, verdict) that has subscribers, with all of them.
    func match(_ input: MatchInput, _ body: (FrameClass, Verdict, borrowing [SubscriptionSlot]) -> Void)
}

extension Matcher {
    /// Judges one subscription alone (replay from the log); nil: not concerned.
    public func verdict(for condition: Condition?, on input: MatchInput) -> Verdict? {
        Judge(input).verdict(for: condition)
    }
}
