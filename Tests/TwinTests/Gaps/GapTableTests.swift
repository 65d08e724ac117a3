import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// Every gap is a row that says what was missed, why, and when it was mended (`docs/twin.md`, "The table of gaps").
@Suite(.timeLimit(.minutes(5))) struct GapTableTests {
    private func entries(_ world: ReplicaBench, _ selection: GapSelection = .all) async throws -> [GapEntry] {
        try await world.bench.twin.gapEntries(selection, limit: 100)
    }

    private func loaded(_ count: Int = 10) async throws -> ReplicaBench {
        let world = try await ReplicaBench()
        world.org.found(count)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        return world
    }

    @Test func aGapEventIsOpenUntilTheLastOfItsRecordsIsRead() async throws {
        let world = try await loaded()
        let ids = [RecordID.test("500", 1), .test("500", 2)]
        try world.org.commit(.update, ids, ["Status": .string("gap")], asGap: true)
        try await world.org.deliver(to: world.bench.twin)
        let open = try #require(try await entries(world, .open).first)
        #expect(open.reason == "GAP_UPDATE" && open.entity == "Case" && open.topic == CaseEvents.topic)
        #expect(open.scope == .records && open.recordIDs == ids.map(\.string) && open.recordCount == 2)
        #expect(open.position == Position(rawValue: 1) && open.replayID == "1")
        #expect(open.missedFrom == open.missedUntil && open.missedFrom == world.org.with { $0.time })
        #expect(open.mend == .refetch && open.declaredAt == 1_700_000_500_000)
        #expect(world.bench.twin.openGaps == 1)
        // One of them is deleted: the other is still in doubt.
        try world.org.commit(.delete, [ids[0]])
        try await world.org.deliver(to: world.bench.twin)
        #expect(try await entries(world, .open).map(\.id) == [open.id])
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        let mended = try #require(try await entries(world).first)
        #expect(mended.id == open.id && mended.mend == .refetch && mended.mendedAt == 1_700_000_500_000)
        #expect(world.bench.twin.openGaps == 0)
        try await world.expectEqual()
    }

    @Test func whatSaysEverythingNeedsNoMending() async throws {
        let world = try await loaded()
        try world.org.commit(.delete, [.test("500", 1)], asGap: true)
        try await world.org.deliver(to: world.bench.twin)
        let entry = try #require(try await entries(world).first)
        #expect(entry.reason == "GAP_DELETE" && entry.mend == .notNeeded && entry.mendedAt == entry.declaredAt)
        #expect(world.bench.twin.openGaps == 0)
    }

    @Test func aLaterEventMayMendIt() async throws {
        let world = try await loaded()
        try world.org.commit(.update, [.test("500", 1)], ["Status": .string("gap")], asGap: true)
        try world.org.commit(.delete, [.test("500", 1)])
        try await world.org.deliver(to: world.bench.twin)
        let entry = try #require(try await entries(world).first)
        #expect(entry.mend == .event && entry.mendedAt != nil)
    }

    /// A redelivered event is the same gap.
    @Test func aGapEventThatComesAgainHasOneRow() async throws {
        let world = try await loaded()
        try world.org.commit(.update, [.test("500", 1)], asGap: true)
        let event = world.org.with { $0.outbox[0] }
        for _ in 0..<2 { try await world.bench.ingest(event) }
        #expect(try await entries(world).count == 1)
    }

    @Test func lostEventsAreOpenUntilTheObjectIsReadAnew() async throws {
        let world = try await loaded()
        try world.org.commit(.update, [.test("500", 3)], ["Status": .string("seen")])
        try await world.org.deliver(to: world.bench.twin)
        let heard = world.org.with { $0.time }
        try world.org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
        try await world.org.lose(to: world.bench.twin)
        let open = try #require(try await entries(world, .open).first)
        #expect(open.scope == .topic && open.entity == nil && open.reason == "the replay id has expired")
        #expect(open.replayID == "1" && open.position == Position(rawValue: 1))
        #expect(open.missedFrom == heard && open.missedUntil == open.declaredAt)
        #expect(open.mend == .snapshot && open.snapshots.isEmpty)
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        let mended = try #require(try await entries(world).first)
        #expect(mended.mend == .snapshot && mended.snapshots == [2] && mended.mendedAt != nil)
        try await world.expectEqual()
    }

    @Test(arguments: [(ChangeType.gapOverflow, "000000000000000AAA", "overflow"), (.update, "500*", "conversion")])
    func unnamedRecordsAreTheWholeObject(_ type: ChangeType, id: String, reason: String) async throws {
        let world = try await loaded()
        try await world.bench.ingest(
            try world.bench.cases.event(type, ids: [id], counter: 70, commitTimestamp: 1_700_000_400_000))
        let open = try #require(try await entries(world, .open).first)
        #expect(open.scope == .object && open.entity == "Case" && open.reason == reason && open.recordCount == 0)
        #expect(open.missedFrom == 1_700_000_400_000)
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        #expect(try await entries(world).first?.snapshots == [2])
        #expect(world.bench.twin.openGaps == 0)
    }

    /// The reading of what had changed had ended; only the ids were being compared.
    @Test func aGapIsNotMendedByAReadingFromBeforeIt() async throws {
        let world = try await loaded(3)
        let twin = world.bench.twin
        let pages = Pages()
        world.org.meanwhile { org in
            guard pages.next() == 2 else { return }
            try org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
            try await org.lose(to: twin)
        }
        try world.org.commit(.update, [.test("500", 1)], ["Status": .string("heard")])
        try await world.org.deliver(to: twin)
        try await world.org.lose(to: twin)
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
        let entry = try #require(try await entries(world).first)
        #expect(entry.snapshots == [3])
        #expect(entry.mendedAt != nil)
    }

    @Test func whatIsNotReplicatedIsNobodysToMend() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .gapUpdate, ids: [RecordID.test("500", 1).string], counter: 1, commitTimestamp: 1_700_000_400_000))
        try await bench.twin.declareGap(topic: CaseEvents.topic, reason: "expired")
        let entries = try await bench.twin.gapEntries(.closed, limit: 10)
        #expect(entries.map(\.reason) == ["expired", "GAP_UPDATE"])
        #expect(entries.allSatisfy { $0.mend == .nobody && $0.mendedAt == nil })
        #expect(bench.twin.openGaps == 0)
    }

    /// The next configuration does not replicate the object: nobody reads it again.
    @Test func anObjectThatIsNotReplicatedAnyMoreLeavesNothingOpen() async throws {
        let world = try await loaded()
        try world.org.commit(.update, [.test("500", 1)], asGap: true)
        try await world.org.deliver(to: world.bench.twin)
        try await world.bench.twin.declareGap(topic: CaseEvents.topic, reason: "expired")
        #expect(world.bench.twin.openGaps == 2)
        let store = world.bench.twin.store
        let same = try await Twin(
            store: store, configuration: world.bench.twin.configuration, logger: world.bench.twin.logger)
        #expect(same.openGaps == 2)
        let other = try await Twin(store: store, configuration: .init(), logger: world.bench.twin.logger)
        #expect(other.openGaps == 0)
        #expect(try await other.gapEntries(.closed, limit: 10).allSatisfy { $0.mend == .nobody })
    }

    /// The time up to which a topic was heard is kept to the minute, and outlives the process.
    @Test func theTimeUpToWhichATopicWasHeardIsNeverTooLate() async throws {
        let bench = try await TwinBench()
        func heard() async throws -> Int64? {
            try await bench.twin.store.read { try HeardTimes.time(CaseEvents.topic, $0) }
        }
        func hear(_ counter: UInt64, _ time: Int64) async throws {
            try await bench.ingest(
                try bench.cases.event(
                    .delete, ids: [RecordID.test("500", 1).string], counter: counter, commitTimestamp: time))
        }
        #expect(try await heard() == nil)
        try await hear(1, 1_700_000_300_000)
        #expect(try await heard() == 1_700_000_300_000)
        try await hear(2, 1_700_000_359_999)
        #expect(try await heard() == 1_700_000_300_000)
        try await hear(3, 1_700_000_360_000)
        #expect(try await heard() == 1_700_000_360_000)
        // A commit in our future: one of the clocks is wrong.
        try await hear(4, 1_800_000_000_000)
        #expect(try await heard() == 1_700_000_500_000)
        // Events of the past that come again.
        try await hear(5, 1_600_000_000_000)
        #expect(try await heard() == 1_700_000_500_000)
    }
}
