/// What a match has found so far, by (frame class, verdict). One entry's slots are passed on as they are; only where
/// several conditions lead to one class are they copied together.
struct MatchResult {
    private struct Key: Hashable {
        var frameClass: FrameClass
        var verdict: Verdict
    }

    private var places: [Key: Int] = [:]
    private var found: [(key: Key, slots: [SubscriptionSlot])] = []

    mutating func add(_ slots: [SubscriptionSlot], frameClass: FrameClass, verdict: Verdict) {
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
