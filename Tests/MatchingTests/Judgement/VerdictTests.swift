import ChangeEvents
import Matching
import SOQL
import Testing

/// What a change is to one subscriber.
struct VerdictTests {
    typealias Fields = [String: FieldValue]
    static let mine: Fields = ["OwnerId": .string("me"), "Status": .string("New")]
    static let theirs: Fields = ["OwnerId": .string("you"), "Status": .string("New")]
    static let ownerless: Fields = ["Status": .string("New")]

    private func verdict(_ input: MatchInput, _ condition: String = "OwnerId = 'me'") throws -> Verdict? {
        let verdict = Self.verdict(ScanMatcher(), try Condition(condition), input)
        #expect(Self.verdict(IndexMatcher(), try Condition(condition), input) == verdict)
        return verdict
    }

    private static func verdict(_ empty: some Matcher, _ condition: Condition?, _ input: MatchInput) -> Verdict? {
        var matcher = empty
        let slot = SubscriptionSlot(rawValue: 3)
        matcher.insert(slot, channel: input.channel, frameClass: FrameClass(rawValue: 0), condition: condition)
        return matcher.verdict(of: slot, on: input)
    }

    @Test(
        arguments: [
            (ChangeType.create, nil, mine, Verdict.event), (.create, nil, theirs, nil), (.undelete, nil, mine, .event),
            (.create, mine, theirs, .left), (.snapshot, nil, mine, .event),
            (.update, mine, mine, .event), (.update, theirs, mine, .entered), (.update, mine, theirs, .left),
            (.update, theirs, theirs, nil), (.update, nil, mine, .entered), (.update, nil, theirs, nil),
            (.delete, mine, nil, .event), (.delete, theirs, nil, nil),
            (.gapUpdate, mine, mine, .event), (.gapUpdate, theirs, mine, nil), (.gapDelete, mine, nil, .event),
            (.gapCreate, nil, mine, nil), (.gapUndelete, nil, nil, nil), (.gapOverflow, nil, nil, nil),
        ] as [(ChangeType, Fields?, Fields?, Verdict?)])
    func imagesDecide(type: ChangeType, before: Fields?, after: Fields?, expected: Verdict?) throws {
        #expect(try verdict(Changes.input(type, before: before, after: after)) == expected)
    }

    @Test(arguments: ChangeType.allCases)
    func withoutConditionEverythingIsAnEvent(type: ChangeType) {
        for (before, after) in [(nil, nil), (Self.mine, Self.theirs)] as [(Fields?, Fields?)] {
            let input = Changes.input(type, before: before, after: after)
            #expect(Self.verdict(ScanMatcher(), nil, input) == .event)
            #expect(Self.verdict(IndexMatcher(), nil, input) == .event)
        }
    }

    @Test(
        arguments: [
            // Partly known: a field that is not there is not null.
            (nil, ownerless, nil), (ownerless, mine, Verdict.entered), (mine, ownerless, .left),
            (ownerless, theirs, nil),
            (ownerless, ownerless, nil),
        ] as [(Fields?, Fields?, Verdict?)])
    func unknownIsNeverShown(before: Fields?, after: Fields?, expected: Verdict?) throws {
        let input = Changes.input(.update, before: before, after: after, isComplete: false)
        #expect(try verdict(input) == expected)
        // Neither is its opposite: what is not known to be somebody else's is not shown to those who see somebody
        // else's.
        if expected == nil, after == Self.ownerless { #expect(try verdict(input, "OwnerId != 'me'") == nil) }
    }

    @Test func completeImagesKnowWhatIsMissing() throws {
        let input = Changes.input(.update, before: Self.ownerless, after: Self.ownerless)
        #expect(try verdict(input, "OwnerId = null") == .event)
        #expect(try verdict(input, "OwnerId != 'me'") == .event)
        #expect(try verdict(input, "Account.Name = null") == nil)
    }

    @Test(
        arguments: [
            (ChangeType.create, mine, Verdict.event), (.create, theirs, nil), (.update, mine, .event),
            (.update, theirs, nil),
            (.update, ownerless, nil), (.delete, [:], nil), (.delete, mine, .event), (.gapUpdate, [:], nil),
        ] as [(ChangeType, Fields, Verdict?)])
    func untrackedObjectsAreJudgedOnTheEvent(type: ChangeType, values: Fields, expected: Verdict?) throws {
        #expect(try verdict(Changes.input(type, before: nil, after: nil, values: values)) == expected)
    }

    @Test func imagesAreNotMixedWithTheEvent() throws {
        // The event says the new owner; the before image must not see it.
        let input = Changes.input(
            .update, before: Self.ownerless, after: Self.mine, values: ["OwnerId": .string("me")], isComplete: false)
        #expect(try verdict(input) == .entered)
    }

    @Test func overflowReachesConditionsThatItsHeaderAnswers() throws {
        let input = Changes.input(.gapOverflow, before: nil, after: nil, id: .empty)
        #expect(try verdict(input, "ChangeEventHeader.entityName = 'Case'") == .event)
        #expect(try verdict(input, "Id != '500xx0000000001'") == nil)
        #expect(try verdict(input, "Status != 'Closed'") == nil)
    }

    @Test func headerBelongsToTheChange() throws {
        let condition = "ChangeEventHeader.changeType = 'UPDATE' AND Status = 'Closed'"
        let closed: Fields = ["Status": .string("Closed")]
        #expect(
            try verdict(Changes.input(.update, before: ["Status": .string("New")], after: closed), condition)
                == .entered)
        #expect(try verdict(Changes.input(.create, before: nil, after: closed), condition) == nil)
    }
}
