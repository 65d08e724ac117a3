import ChangeEvents
import Matching
import SOQL
import Testing

struct IndexMatcherTests {
    struct Delivery: Hashable {
        var frameClass: UInt32
        var verdict: Verdict
        var slots: Set<UInt32>
    }

    private func deliveries(_ matcher: some Matcher, _ input: MatchInput) -> Set<Delivery> {
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
        _ matcher: inout some Matcher, _ slot: UInt32, class frameClass: UInt32 = 0, _ condition: String?
    ) throws {
        matcher.insert(
            SubscriptionSlot(rawValue: slot), channel: Changes.channel, frameClass: FrameClass(rawValue: frameClass),
            condition: try condition.map { try Condition($0) })
    }

    private let update = Changes.input(
        .update, before: ["Status": .string("New")], after: ["Status": .string("Closed")])

    /// What is found for one of a lot counts for all of it, and for no other lot, not even one that takes its place.
    @Test func kinAreOfOneConditionAndClassAndNeverOfAnEarlierLot() throws {
        var matcher = IndexMatcher()
        func kin(_ slot: UInt32) -> Kin? { matcher.kin(of: SubscriptionSlot(rawValue: slot)) }
        try insert(&matcher, 1, class: 1, "Status = 'New' AND Priority = 'High'")
        try insert(&matcher, 2, class: 1, "(Status='new')  and priority = 'High'")
        try insert(&matcher, 3, class: 2, "Status = 'New' AND Priority = 'High'")
        try insert(&matcher, 4, class: 1, "Status = 'New'")
        try insert(&matcher, 5, class: 1, nil)
        #expect(kin(1) == kin(2) && kin(1)?.count == 2)
        #expect(Set((1...5).compactMap { kin($0)?.serial }).count == 4)
        #expect(kin(6) == nil)
        let earlier = kin(1)
        matcher.remove(SubscriptionSlot(rawValue: 1))
        #expect(kin(1) == nil && kin(2)?.serial == earlier?.serial && kin(2)?.count == 1)
        matcher.remove(SubscriptionSlot(rawValue: 2))
        try insert(&matcher, 1, class: 1, "Status = 'New' AND Priority = 'High'")
        #expect(kin(1)?.count == 1 && kin(1)?.serial != earlier?.serial)
    }

    @Test func groupsByClassAndVerdictAcrossConditions() throws {
        try groups(IndexMatcher())
        try groups(ScanMatcher())
    }

    private func groups(_ empty: some Matcher) throws {
        var matcher = empty
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

    @Test func equalConditionsAreOneEntryHoweverTheyAreWritten() throws {
        var matcher = IndexMatcher()
        let spellings = [
            "Status = 'x' AND A = 1 AND B IN ('p', 'q')", "(status='X') and ((b = 'q') OR (b = 'p')) and a = 1.0",
            "NOT (Status != 'x' OR A != 1 OR B NOT IN ('q', 'P'))",
        ]
        for slot in 0..<100 as Range<UInt32> {
            try insert(&matcher, slot, class: slot % 3, spellings[Int(slot) % spellings.count])
        }
        try insert(&matcher, 100, "Status = 'x' AND A = 2")
        try insert(&matcher, 101, nil)
        #expect(matcher.distinctConditions(channel: Changes.channel) == 3)
        for slot in 0..<101 as Range<UInt32> { matcher.remove(SubscriptionSlot(rawValue: slot)) }
        #expect(matcher.distinctConditions(channel: Changes.channel) == 1)
        #expect(matcher.terms(channel: Changes.channel) == 0)
    }

    @Test func insertingAgainReplacesAndRemovingTwiceIsHarmless() throws {
        var matcher = IndexMatcher()
        try insert(&matcher, 1, "Status = 'New'")
        try insert(&matcher, 1, class: 2, nil)
        #expect(deliveries(matcher, update) == [Delivery(frameClass: 2, verdict: .event, slots: [1])])
        matcher.remove(SubscriptionSlot(rawValue: 1))
        matcher.remove(SubscriptionSlot(rawValue: 1))
        matcher.remove(SubscriptionSlot(rawValue: 9))
        #expect(deliveries(matcher, update).isEmpty)
        #expect(matcher.distinctConditions(channel: Changes.channel) == 0)
    }

    @Test func channelsAreApartAndTheirNumbersAreUsedAgain() throws {
        var matcher = IndexMatcher()
        for slot in 0..<3 as Range<UInt32> {
            matcher.insert(
                SubscriptionSlot(rawValue: 1), channel: "/data/\(slot)ChangeEvent", frameClass: FrameClass(rawValue: 0),
                condition: nil)
        }
        try insert(&matcher, 2, "Status = 'New'")
        #expect(deliveries(matcher, update) == [Delivery(frameClass: 0, verdict: .left, slots: [2])])
        // A slot is one subscription: the last channel is the one it is on.
        var input = update
        input.channel = "/data/0ChangeEvent"
        #expect(deliveries(matcher, input).isEmpty)
        input.channel = "/data/2ChangeEvent"
        #expect(deliveries(matcher, input) == [Delivery(frameClass: 0, verdict: .event, slots: [1])])
    }

    @Test(arguments: [
        "Status = 'New'", "Status IN ('New', 'Working')", "Status LIKE 'Ne%'", "Amount > 5", "NOT (NOT Amount >= 5)",
        "CloseDate < 2026-07-09 AND Status != 'x'", "Status = null", "IsClosed = false",
        "Colours INCLUDES ('a;b', 'c')",
        "Status = 'New' OR (Amount < 3 AND Name LIKE '%x%')", "Status != 'a' AND (NOT Name LIKE '%x') AND A = 1",
    ])
    func isFoundByAnIndex(condition: String) throws {
        var matcher = IndexMatcher()
        try insert(&matcher, 1, condition)
        #expect(matcher.scannedConditions(channel: Changes.channel) == 0)
    }

    @Test(arguments: ["Status != 'New'", "Name LIKE '%x'", "Status = 'New' OR Name != 'x'", "Name > 'm'"])
    func isJudgedForEveryChange(condition: String) throws {
        var matcher = IndexMatcher()
        try insert(&matcher, 1, condition)
        #expect(matcher.scannedConditions(channel: Changes.channel) == 1)
        matcher.remove(SubscriptionSlot(rawValue: 1))
        #expect(matcher.scannedConditions(channel: Changes.channel) == 0)
    }

    /// Both are ids; filed under the record type, every change of the type would have to judge them all.
    @Test func crowdedKeysAreAvoided() throws {
        var matcher = IndexMatcher()
        for slot in 0..<200 as Range<UInt32> {
            let contact = "003xx00000" + String(10_000 + slot)
            try insert(&matcher, slot, "RecordTypeId = '012xx0000000001' AND ContactId = '\(contact)'")
        }
        #expect(matcher.largestFiling(channel: Changes.channel) <= 2)
    }

    @Test func whatCanNeverHoldIsNeverTold() throws {
        var matcher = IndexMatcher()
        try insert(&matcher, 1, "Status = 'New' AND Status = 'Closed'")
        try insert(&matcher, 2, "Amount > 5 AND Amount < 3 AND Status = 'Closed'")
        #expect(deliveries(matcher, update).isEmpty)
        #expect(matcher.distinctConditions(channel: Changes.channel) == 1)
        #expect(matcher.scannedConditions(channel: Changes.channel) == 0)
    }

    /// Long texts, lists and formulas, and lists of many filings: what does not lie in its row.
    @Test func whatIsTooLargeForItsRowIsFoundAndForgotten() throws {
        var matcher = IndexMatcher()
        let long = String(repeating: "long text ", count: 30)
        let list = (0..<300).map { "'\(long)\($0)'" }.joined(separator: ", ")
        for slot in 0..<50 as Range<UInt32> {
            try insert(&matcher, slot, class: slot, "Subject = '\(long)' AND Amount != \(slot)")
            try insert(&matcher, 100 + slot, "Subject IN (\(list)) AND Amount != \(slot) AND A = 1 AND B = 2 AND C = 3")
        }
        let record: [String: FieldValue] = [
            "Subject": .string(long + "7"), "Amount": .integer(7), "A": .integer(1), "B": .double(2), "C": .integer(3),
        ]
        let found = deliveries(matcher, Changes.input(.create, before: nil, after: record))
        #expect(found == [Delivery(frameClass: 0, verdict: .event, slots: Set(100..<150).subtracting([107]))])
        let other = deliveries(
            matcher, Changes.input(.create, before: nil, after: ["Subject": .string(long), "Amount": .integer(9)]))
        #expect(other.count == 49)
        for slot in 1..<150 as Range<UInt32> { matcher.remove(SubscriptionSlot(rawValue: slot)) }
        #expect(matcher.distinctConditions(channel: Changes.channel) == 1)
        #expect(matcher.terms(channel: Changes.channel) == 2)
    }

    /// Tables grow by splitting buckets; everything stays where it can be found.
    @Test func manyComeAndGo() throws {
        var matcher = IndexMatcher()
        func condition(_ number: Int) -> String { "Ref__c = 'r\(number)' AND Amount < \(number)" }
        for number in 0..<20_000 { try insert(&matcher, UInt32(number), condition(number)) }
        for number in stride(from: 0, to: 20_000, by: 3) { matcher.remove(SubscriptionSlot(rawValue: UInt32(number))) }
        for number in stride(from: 0, to: 20_000, by: 997) {
            let input = Changes.input(
                .create, before: nil, after: ["Ref__c": .string("R\(number)"), "Amount": .integer(-1)])
            let expected: Set<Delivery> =
                number % 3 == 0 ? [] : [Delivery(frameClass: 0, verdict: .event, slots: [UInt32(number)])]
            #expect(deliveries(matcher, input) == expected)
        }
    }
}
