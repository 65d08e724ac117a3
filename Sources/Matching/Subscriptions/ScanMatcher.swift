internal import ChangeEvents
public import SOQL

/// The obvious matcher: every subscription of the channel is judged by itself, by SOQL's own evaluator. It shares nothing
/// with `IndexMatcher` but the table of verdicts, and is what benchmarks set beside it.
///
/// Owned by one event loop; not shared.
public struct ScanMatcher: Matcher {
    private struct Subscription {
        var channel: String
        var frameClass: FrameClass
        var condition: Condition?
    }

    private struct Key: Hashable {
        var frameClass: FrameClass
        var verdict: Verdict
    }

    private var subscriptions: [SubscriptionSlot: Subscription] = [:]
    private var slots: [String: [Condition?: Set<SubscriptionSlot>]] = [:]

    public init() {}

    public mutating func insert(
        _ slot: SubscriptionSlot, channel: String, frameClass: FrameClass, condition: Condition?
    ) {
        remove(slot)
        subscriptions[slot] = Subscription(channel: channel, frameClass: frameClass, condition: condition)
        slots[channel, default: [:]][condition, default: []].insert(slot)
    }

    public mutating func remove(_ slot: SubscriptionSlot) {
        guard let old = subscriptions.removeValue(forKey: slot) else { return }
        slots[old.channel]?[old.condition]?.remove(slot)
        if slots[old.channel]?[old.condition]?.isEmpty == true { slots[old.channel]?[old.condition] = nil }
    }

    public func match(
        _ input: MatchInput, _ body: (FrameClass, Verdict, UnsafeBufferPointer<SubscriptionSlot>) -> Void
    ) {
        let judge = Judge(input)
        var found: [Key: [SubscriptionSlot]] = [:]
        for (condition, slots) in slots[input.channel] ?? [:] {
            guard let verdict = judge.verdict(for: condition) else { continue }
            for slot in slots {
                guard let subscription = subscriptions[slot] else { continue }
                found[Key(frameClass: subscription.frameClass, verdict: verdict), default: []].append(slot)
            }
        }
        for (key, slots) in found {
            slots.withUnsafeBufferPointer { body(key.frameClass, key.verdict, $0) }
        }
    }

    public func verdict(of slot: SubscriptionSlot, on input: MatchInput) -> Verdict? {
        guard let subscription = subscriptions[slot] else { return nil }
        return Judge(input).verdict(for: subscription.condition)
    }

    public func verdicts(of slots: [SubscriptionSlot], on input: MatchInput, _ body: (Int, Verdict) -> Void) {
        let judge = Judge(input)
        for (index, slot) in slots.enumerated() {
            guard let subscription = subscriptions[slot] else { continue }
            if let verdict = judge.verdict(for: subscription.condition) { body(index, verdict) }
        }
    }

    public func kin(of slot: SubscriptionSlot) -> Kin? { nil }
}
