public import SOQL

/// A matcher whose cost follows the matches: conditions with an equality term are found by the record's value, the
/// others are judged one by one as `ScanMatcher` does.
///
/// For an update both values of a field are looked up, before and after, so that a subscriber whose view the record
/// leaves is found too. What is found is still judged whole: the index only leaves out what cannot hold. Owned by one
/// event loop.
public struct IndexMatcher: Matcher {
    private struct Channel {
        var subscriptions = ChannelSubscriptions()
        var index = EqualityIndex()

        mutating func apply(_ changes: ChannelSubscriptions.EntryChanges, condition: Condition?) {
            if let removed = changes.removed { index.remove(removed.entry, condition: removed.condition) }
            if let added = changes.added { index.add(added, condition: condition) }
        }
    }

    private var channels: [String: Channel] = [:]

    public init() {}

    /// A slot that has a subscription on the channel already changes to this one.
    public mutating func insert(
        _ slot: SubscriptionSlot, channel: String, frameClass: FrameClass, condition: Condition?
    ) {
        let changes = channels[channel, default: Channel()].subscriptions
            .insert(slot, frameClass: frameClass, condition: condition)
        channels[channel]?.apply(changes, condition: condition)
    }

    /// Removing what is not there changes nothing.
    public mutating func remove(_ slot: SubscriptionSlot, channel: String) {
        guard let changes = channels[channel]?.subscriptions.remove(slot) else { return }
        channels[channel]?.apply(changes, condition: nil)
        if channels[channel]?.subscriptions.isEmpty == true { channels[channel] = nil }
    }

    public func match(_ input: MatchInput, _ body: (FrameClass, Verdict, borrowing [SubscriptionSlot]) -> Void) {
        guard let channel = channels[input.channel] else { return }
        let judge = Judge(input)
        var result = MatchResult()
        func judged(_ number: Int) {
            result.add(channel.subscriptions.entries[number], judgedBy: judge)
        }
        channel.index.unfiled.forEach(judged)
        channel.index.forEachFiled(on: judge.sources, judged)
        result.forEach(body)
    }
}
