import TestSupport
import Testing

@testable import millrace

/// A run as its connections would see it: events with numbers, for one record unless said otherwise.
private struct Run {
    static let cut: Int64 = 1_000_000
    var ledgers: [Ledger]
    private var connectionCount = 0
    private var now: Int64 = 0

    init(ledgerCount: Int = 1) {
        ledgers = Array(repeating: Ledger(), count: ledgerCount)
    }

    struct Subscription {
        var ledger: Int
        var index: Int
    }

    mutating func subscribe(
        at place: UInt64? = 0, channel: String = "/data/CaseChangeEvent", condition: String? = nil,
        grant: String = "all", in ledger: Int = 0
    ) -> Subscription {
        connectionCount += 1
        let terms = Ledger.Terms(channel: channel, condition: condition, grant: grant)
        let index = ledgers[ledger].add(terms, connection: connectionCount)
        ledgers[ledger].accepted(index, at: place.map { .number($0) } ?? .none)
        return Subscription(ledger: ledger, index: index)
    }

    @discardableResult
    mutating func deliver(
        _ numbers: UInt64..., record: UInt64 = 1, to subscription: Subscription, at time: Int64? = nil
    ) -> [Ledger.Receipt] {
        numbers.map { number in
            now += 1
            return ledgers[subscription.ledger].received(
                subscription.index, EventKey(place: .number(number), record: record), at: time ?? now)
        }
    }

    var judgement: Judgement { Judgement(ledgers, cut: Self.cut) }
}

struct LedgerTests {
    @Test func whoGotEverythingHasLostNothing() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        #expect(run.deliver(1, 2, 3, to: one) == [.new, .new, .new])
        #expect(run.deliver(1, 2, 3, to: other) == [.new, .new, .new])
        let judgement = run.judgement
        #expect(judgement.eventCount == 3 && judgement.deliveryCount == 6 && judgement.expectedCount == 6)
        #expect(judgement.lostCount + judgement.duplicateCount + judgement.outOfOrderCount == 0)
        #expect(judgement.faults.isEmpty && judgement.aloneCount == 0)
    }

    @Test func anEventThatOnlyOthersGotIsLost() {
        for lost: UInt64 in 1...4 {
            var run = Run()
            let (one, other) = (run.subscribe(), run.subscribe())
            run.deliver(1, 2, 3, 4, to: one)
            for number: UInt64 in 1...4 where number != lost { run.deliver(number, to: other) }
            #expect(run.judgement.lostCount == 1)
            #expect(
                run.judgement.faults == [
                    .init(kind: .lost, connection: 2, channel: "/data/CaseChangeEvent", replayID: lost)
                ])
            #expect(run.judgement.duplicateCount + run.judgement.outOfOrderCount == 0)
        }
    }

    /// The first to read may be the one that has lost something: what it lacks is still found.
    @Test func whoComesFirstMayHaveLostIt() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        run.deliver(1, 3, 4, to: one)
        run.deliver(1, 2, 3, 4, to: other)
        #expect(run.judgement.lostCount == 1 && run.judgement.faults.first?.connection == 1)
        #expect(run.judgement.outOfOrderCount == 0 && run.judgement.duplicateCount == 0)
    }

    @Test func whoGotNothingHasLostAllOfIt() {
        var run = Run()
        let (one, _) = (run.subscribe(), run.subscribe())
        run.deliver(1, 2, 3, to: one)
        #expect(run.judgement.lostCount == 3 && run.judgement.expectedCount == 6)
    }

    @Test func whatCameBeforeTheSubscriptionIsNotDue() {
        var run = Run()
        let one = run.subscribe()
        run.deliver(1, 2, 3, to: one)
        let late = run.subscribe(at: 2)
        run.deliver(3, to: late)
        run.deliver(4, to: one)
        run.deliver(4, to: late)
        #expect(run.judgement.lostCount == 0 && run.judgement.expectedCount == 6)
        _ = run.subscribe(at: 3)
        #expect(run.judgement.lostCount == 1)
    }

    @Test func whatCameAfterTheEndOfAConnectionIsNotDue() {
        var run = Run()
        let (one, gone, silent) = (run.subscribe(), run.subscribe(), run.subscribe())
        run.deliver(1, 2, to: gone)
        run.ledgers[0].ended(gone.index)
        run.ledgers[0].ended(silent.index)
        run.deliver(1, 2, 3, to: one)
        #expect(run.judgement.lostCount == 0 && run.judgement.expectedCount == 5)
        // What it lost before its end counts.
        run.deliver(5, to: one)
        let other = run.subscribe()
        run.deliver(1, 5, to: other)
        run.ledgers[0].ended(other.index)
        #expect(run.judgement.lostCount == 2)
    }

    @Test func aSecondDeliveryIsADuplicateAndNothingElse() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        #expect(run.deliver(1, 2, 1, 2, 2, 3, to: one) == [.new, .new, .duplicate, .duplicate, .duplicate, .new])
        run.deliver(1, 2, 3, to: other)
        #expect(run.judgement.duplicateCount == 3 && run.judgement.lostCount == 0 && run.judgement.outOfOrderCount == 0)
        #expect(
            run.judgement.faults.first
                == .init(
                    kind: .duplicate, connection: 1, channel: "/data/CaseChangeEvent", replayID: 1))
    }

    @Test func theRecordsOfAMergedEventAreEventsOfTheirOwn() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        for record: UInt64 in 1...3 { run.deliver(7, record: record, to: one) }
        for record: UInt64 in [1, 3] { run.deliver(7, record: record, to: other) }
        let judgement = run.judgement
        #expect(judgement.lostCount == 1 && judgement.duplicateCount == 0 && judgement.outOfOrderCount == 0)
    }

    @Test func anEarlierReplayIdIsOutOfOrderAndNotLost() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        run.deliver(1, 2, 3, 4, to: one)
        #expect(run.deliver(1, 3, 2, 4, to: other) == [.new, .new, .late, .new])
        #expect(run.judgement.outOfOrderCount == 1 && run.judgement.lostCount == 0 && run.judgement.duplicateCount == 0)
        #expect(
            run.judgement.faults == [
                .init(kind: .outOfOrder, connection: 2, channel: "/data/CaseChangeEvent", replayID: 2)
            ])
        // Also where it is the first to get them, and behind its first one.
        var alone = Run()
        let single = alone.subscribe()
        alone.deliver(5, 4, 3, 6, to: single)
        #expect(alone.judgement.outOfOrderCount == 2 && alone.judgement.duplicateCount == 0)
    }

    @Test func aDeclaredGapIsNoLoss() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        run.deliver(1, 2, 3, 4, 5, 6, to: one)
        run.deliver(1, 2, to: other)
        run.ledgers[0].declaredGap(other.index, upTo: .number(4))
        run.deliver(6, to: other)
        let judgement = run.judgement
        #expect(judgement.gapCount == 1 && judgement.declaredCount == 2)
        #expect(judgement.lostCount == 1 && judgement.faults.map(\.replayID) == [5])
    }

    @Test func onlyEqualTermsAreCompared() {
        var run = Run()
        let all = run.subscribe()
        let differing = [
            run.subscribe(condition: "Status = 'New'"), run.subscribe(grant: "mine"),
            run.subscribe(channel: "/data/ChangeEvents"),
        ]
        run.deliver(1, 2, 3, to: all)
        for subscription in differing { run.deliver(2, to: subscription) }
        #expect(run.judgement.lostCount == 0 && run.judgement.aloneCount == 4)
        // One event of the channel, though it came by several terms.
        #expect(run.judgement.eventCount == 4)
    }

    @Test func threadsAreJudgedTogether() {
        var run = Run(ledgerCount: 2)
        let (one, other) = (run.subscribe(in: 0), run.subscribe(in: 1))
        run.deliver(1, 2, 3, to: one, at: 10)
        run.deliver(3, 1, to: other, at: 30)
        let judgement = run.judgement
        #expect(judgement.lostCount == 1 && judgement.outOfOrderCount == 1 && judgement.aloneCount == 0)
        #expect(judgement.eventCount == 3 && judgement.spread.count == 2 && judgement.spread.max == 20)
    }

    @Test func whatCameAfterTheCutIsNotJudged() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        run.deliver(1, to: one)
        run.deliver(1, to: other)
        run.deliver(2, to: one, at: Run.cut)
        run.deliver(3, to: one, at: Run.cut + 1)
        #expect(run.judgement.lostCount == 1 && run.judgement.expectedCount == 4 && run.judgement.eventCount == 2)
        run.deliver(2, to: other, at: Run.cut + 5)
        #expect(run.judgement.lostCount == 0)
    }

    /// `subscribed` names another family's place where the channel's has none.
    @Test func aPlaceOfAnotherFamilyHidesNothing() {
        var run = Run()
        let (one, other) = (run.subscribe(at: 900), run.subscribe(at: 900))
        run.deliver(1, 2, 3, to: one)
        run.deliver(1, 3, to: other)
        #expect(run.judgement.lostCount == 1 && run.judgement.expectedCount == 6)
        let all = run.subscribe(at: nil)
        run.deliver(2, 3, to: all)
        #expect(run.judgement.lostCount == 2)
    }

    @Test func replayIdsWithoutAnOrderAreCountedAndNotJudged() {
        var run = Run()
        let (one, _) = (run.subscribe(), run.subscribe())
        for place: UInt64 in [5, 4, 4] {
            _ = run.ledgers[0].received(one.index, EventKey(place: .opaque(place), record: 1), at: 1)
        }
        let judgement = run.judgement
        #expect(judgement.unorderedCount == 2 && judgement.duplicateCount == 1)
        #expect(judgement.lostCount == 0 && judgement.outOfOrderCount == 0)
    }

    @Test func whoWasNeverAcceptedIsDueNothing() {
        var run = Run()
        let one = run.subscribe()
        let terms = Ledger.Terms(channel: "/data/CaseChangeEvent", condition: nil, grant: "all")
        let refused = run.ledgers[0].add(terms, connection: 2)
        run.ledgers[0].ended(refused)
        run.deliver(1, to: one)
        #expect(run.judgement.lostCount == 0 && run.judgement.aloneCount == 1)
    }

    /// Random deliveries with random faults, against sets that are kept plainly.
    @Test(arguments: 0..<40)
    func aRandomRunIsJudgedAsPlainSetsSay(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var run = Run(ledgerCount: 2)
        var lost = 0
        var duplicates = 0
        var unordered = 0
        var received: [Set<UInt64>] = []
        let subscriptions = (0..<6).map { run.subscribe(in: $0 % 2) }
        for subscription in subscriptions {
            var order = Array(UInt64(1)...60)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: 0..<59, using: &random)
                order.swapAt(index, index + 1)
            }
            order.removeAll { _ in Int.random(in: 0..<20, using: &random) == 0 }
            var got: Set<UInt64> = []
            var highest: UInt64 = 0
            for number in order {
                run.deliver(number, to: subscription)
                if number < highest { unordered += 1 }
                highest = max(highest, number)
                got.insert(number)
                guard Int.random(in: 0..<15, using: &random) == 0,
                    let again = got.sorted().randomElement(using: &random)
                else { continue }
                run.deliver(again, to: subscription)
                duplicates += 1
            }
            received.append(got)
        }
        let all = received.reduce(into: Set()) { $0.formUnion($1) }
        lost = received.reduce(0) { $0 + all.subtracting($1).count }
        let judgement = run.judgement
        #expect(judgement.lostCount == lost, "seed \(seed)")
        #expect(judgement.duplicateCount == duplicates && judgement.outOfOrderCount == unordered, "seed \(seed)")
        #expect(judgement.eventCount == all.count && judgement.expectedCount == all.count * 6, "seed \(seed)")
    }

    @Test func publishedChangesAreFoundOnAnyChannel() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe(channel: "/data/ChangeEvents"))
        run.deliver(1, record: 5, to: one)
        run.deliver(1, 2, record: 5, to: other)
        run.deliver(3, record: 6, to: other)
        #expect(Judgement.seenCount(of: [5], in: run.ledgers) == 2)
    }

    /// By the order of a record's events; a record with an event too few or too many cannot be matched.
    @Test func aChangeIsMatchedWithItsEvent() {
        var run = Run()
        let (one, other) = (run.subscribe(), run.subscribe())
        run.deliver(1, record: 5, to: one, at: 110)
        run.deliver(2, record: 5, to: one, at: 230)
        run.deliver(1, record: 5, to: other, at: 150)
        run.deliver(2, record: 5, to: other, at: 260)
        run.deliver(3, record: 6, to: one, at: 400)
        let times = Judgement.publishedTimes([5: [100, 200], 6: [300, 310], 7: [1]], in: run.ledgers)
        #expect(times.first.count == 2 && times.first.percentile(0) == 10 && times.first.max == 30)
        #expect(times.last.count == 2 && times.last.percentile(0) == 50 && times.last.max == 60)
    }
}
