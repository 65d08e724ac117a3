public import ChangeEvents
public import SOQL

/// A class of identical frames: every connection in it gets the same bytes for the same event. The hub interns
/// (form × field mask × transport) and hands out small numbers, which matchers use as places in tables.
public struct FrameClass: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// A subscription as its event loop numbers it: an index into the loop's arrays, and into matchers'.
public struct SubscriptionSlot: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What becomes of a subscription for one record change.
public enum Verdict: Hashable, Sendable, CaseIterable {
    /// The record is in view (or was, and is deleted now): the subscriber gets the event.
    case event
    /// It began to match with this change: the subscriber gets the whole record.
    case entered
    /// It matched before and does not any more: the subscriber gets `left`.
    case left

    var number: Int {
        switch self {
        case .event: 0
        case .entered: 1
        case .left: 2
        }
    }
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

    /// What the change is to a subscriber with a condition (nil: everything), judged by itself; nil: it is not concerned.
    public func verdict(for condition: Condition?) -> Verdict? { Judge(self).verdict(for: condition) }
}

/// The subscriptions of one event loop and the question which of them a change concerns. Owned and used by that loop
/// only.
///
/// A slot is one subscription on one channel. Its condition is everything that limits what it may see (the token's `where`
/// AND the subscriber's own) and its frame class what it sees of that, so that permission and interest are one match.
///
/// `IndexMatcher` is the hub's; `ScanMatcher`, the obvious implementation, stands beside it in tests and benchmarks.
///
/// A merged event is matched and delivered record by record.
public protocol Matcher {
    mutating func insert(_ slot: SubscriptionSlot, channel: String, frameClass: FrameClass, condition: Condition?)
    /// Removing what is not there changes nothing.
    mutating func remove(_ slot: SubscriptionSlot)
    /// Calls `body` once for each (frame class, verdict) that has subscribers, with all of them. The slots are lent for the
    /// call, in which nothing may be inserted, removed or asked.
    func match(_ input: MatchInput, _ body: (FrameClass, Verdict, UnsafeBufferPointer<SubscriptionSlot>) -> Void)
    /// What the change is to one subscription alone (replay from the log); nil: it is not concerned. The input's channel
    /// does not matter.
    func verdict(of slot: SubscriptionSlot, on input: MatchInput) -> Verdict?
    /// The same for many subscriptions, all of one channel: claims that they share are judged once. Calls `body` with the index of
    /// each that is concerned.
    func verdicts(of slots: [SubscriptionSlot], on input: MatchInput, _ body: (Int, Verdict) -> Void)
    /// Those that are judged as this one is and shown the same; nil where the matcher does not know, or there is no such slot.
    func kin(of slot: SubscriptionSlot) -> Kin?
}

/// The subscriptions of one condition and one frame class: for the same change all get the same verdict, and the same frame.
public struct Kin: Hashable, Sendable {
    /// Never used twice in a matcher's life, so that what was found for one lot is not taken for another's.
    public var serial: UInt64
    /// How many they are now.
    public var count: Int
}
