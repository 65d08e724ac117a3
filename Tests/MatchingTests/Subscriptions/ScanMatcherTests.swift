import ChangeEvents
import Matching
import SOQL
import Testing

struct ScanMatcherTests {
    struct Delivery: Hashable {
        var frameClass: UInt32
        var verdict: Verdict
        var slots: Set<UInt32>
    }

    private func deliveries(_ matcher: ScanMatcher, _ input: MatchInput) -> Set<Delivery> {
        var found: Set<Delivery> = []
        matcher.match(input) { frameClass, verdict, slots in
            let delivery = Delivery(
                frameClass: frameClass.rawValue, verdict: verdict, slots: Set(slots.map(\.rawValue)))
            #expect(delivery.slots.count == slots.count)
            #expect(!found.contains { $0.frameClass == delivery.frameClass && $0.verdict == delivery.verdict })
            found.insert(delivery)
        }
        return found
    }

    private func insert(
        _ matcher: inout ScanMatcher, _ slot: UInt32, class frameClass: UInt32 = 0, _ condition: String?
    ) throws {
        matcher.insert(
            SubscriptionSlot(rawValue: slot), channel: Changes.channel, frameClass: FrameClass(rawValue: frameClass),
            condition: try condition.map { try Condition($0) })
    }

    private let update = Changes.input(
        .update, before: ["Status": .string("New")], after: ["Status": .string("Closed")])

    @Test func groupsByClassAndVerdictAcrossConditions() throws {
        var matcher = ScanMatcher()
        try insert(&matcher, 1, nil)
        try insert(&matcher, 2, "Status != null")
        try insert(&matcher, 3, class: 7, "Status != null")
        try insert(&matcher, 4, "Status = 'closed'")
        try insert(&matcher, 5, "STATUS  =  'Closed'")
        try insert(&matcher, 6, "Status = 'new'")
        try insert(&matcher, 7, "Status = 'Escalated'")
        #expect(
            deliveries(matcher, update) == [
                Delivery(frameClass: 0, verdict: .event, slots: [1, 2]),
                Delivery(frameClass: 7, verdict: .event, slots: [3]),
                Delivery(frameClass: 0, verdict: .entered, slots: [4, 5]),
                Delivery(frameClass: 0, verdict: .left, slots: [6]),
            ])
    }

    @Test func equalConditionsAreOneEntry() throws {
        var matcher = ScanMatcher()
        for slot in 0..<100 as Range<UInt32> {
            try insert(
                &matcher, slot, class: slot % 3,
                slot.isMultiple(of: 2) ? "Status = 'x' AND A = 1" : "(status='x') and a = 1")
        }
        try insert(&matcher, 100, "Status = 'x' AND A = 2")
        try insert(&matcher, 101, nil)
        // 'x' and 'X' are different texts: case is the evaluation's affair.
        #expect(matcher.distinctConditions(channel: Changes.channel) == 3)
        for slot in 0..<101 as Range<UInt32> {
            matcher.remove(SubscriptionSlot(rawValue: slot), channel: Changes.channel)
        }
        #expect(matcher.distinctConditions(channel: Changes.channel) == 1)
    }

    @Test func insertingAgainReplacesAndRemovingTwiceIsHarmless() throws {
        var matcher = ScanMatcher()
        try insert(&matcher, 1, "Status = 'New'")
        try insert(&matcher, 1, class: 2, nil)
        #expect(deliveries(matcher, update) == [Delivery(frameClass: 2, verdict: .event, slots: [1])])
        matcher.remove(SubscriptionSlot(rawValue: 1), channel: Changes.channel)
        matcher.remove(SubscriptionSlot(rawValue: 1), channel: Changes.channel)
        matcher.remove(SubscriptionSlot(rawValue: 9), channel: "/event/Other__e")
        #expect(deliveries(matcher, update).isEmpty)
        #expect(matcher.distinctConditions(channel: Changes.channel) == 0)
    }

    @Test func channelsAreApart() throws {
        var matcher = ScanMatcher()
        matcher.insert(
            SubscriptionSlot(rawValue: 1), channel: "/data/ContactChangeEvent", frameClass: FrameClass(rawValue: 0),
            condition: nil)
        try insert(&matcher, 1, "Status = 'New'")
        #expect(deliveries(matcher, update) == [Delivery(frameClass: 0, verdict: .left, slots: [1])])
    }
}
