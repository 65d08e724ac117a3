public import SOQL

/// The obvious matcher: equal conditions of a channel are one entry, and each entry is judged once per record change.
///
/// Subscribing and unsubscribing take constant time; a match costs as many evaluations as the channel has distinct
/// conditions (two for an update, of the before and the after image), however many subscribers share them, plus copying
/// the slots of those that match. Owned by one event loop; not shared.
///
/// `IndexMatcher` answers the same from an index on equality terms; this one is its oracle.
public struct ScanMatcher: Matcher {
    private var channels: [String: ChannelSubscriptions] = [:]

    public init() {}

    /// A slot that has a subscription on the channel already changes to this one.
    public mutating func insert(
        _ slot: SubscriptionSlot, channel: String, frameClass: FrameClass, condition: Condition?
    ) {
        channels[channel, default: ChannelSubscriptions()].insert(slot, frameClass: frameClass, condition: condition)
    }

    /// Removing what is not there changes nothing.
    public mutating func remove(_ slot: SubscriptionSlot, channel: String) {
        channels[channel]?.remove(slot)
        if channels[channel]?.isEmpty == true { channels[channel] = nil }
    }

    public func match(_ input: MatchInput, _ body: (FrameClass, Verdict, borrowing [SubscriptionSlot]) -> Void) {
        guard let channel = channels[input.channel] else { return }
        let judge = Judge(input)
        var result = MatchResult()
        for entry in channel.entries where !entry.groups.isEmpty { result.add(entry, judgedBy: judge) }
        result.forEach(body)
    }

    /// How many distinct conditions (none counts as one) a channel has; what a match costs.
    public func distinctConditions(channel: String) -> Int {
        channels[channel]?.distinctConditions ?? 0
    }
}
