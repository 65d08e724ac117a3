/// What a match has found so far, by (frame class, verdict). One entry's slots are passed on as they are; only where
/// several conditions lead to one class are they copied together.
struct MatchResult {
    private struct Key: Hashable {
        var frameClass: FrameClass
        var verdict: Verdict
    }

    private var places: [Key: Int] = [:]
    private var found: [(key: Key, slots: [SubscriptionSlot])] = []

    /// Judges an entry's condition once, for all its subscribers.
    mutating func add(_ entry: ChannelSubscriptions.Entry, judgedBy judge: Judge) {
        guard let verdict = judge.verdict(for: entry.condition) else { return }
        for group in entry.groups { add(group.slots, frameClass: group.frameClass, verdict: verdict) }
    }

    private mutating func add(_ slots: [SubscriptionSlot], frameClass: FrameClass, verdict: Verdict) {
        let key = Key(frameClass: frameClass, verdict: verdict)
        if let place = places[key] {
            found[place].slots.append(contentsOf: slots)
        } else {
            places[key] = found.count
            found.append((key, slots))
        }
    }

    func forEach(_ body: (FrameClass, Verdict, borrowing [SubscriptionSlot]) -> Void) {
        for item in found { body(item.key.frameClass, item.key.verdict, item.slots) }
    }
}
