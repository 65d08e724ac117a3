import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// After lost events and overflows, what has changed since is read, and nothing else (`docs/twin.md`, "Reading what has changed").
@Suite(.timeLimit(.minutes(5))) struct ResyncTests {
    /// Loaded, and heard an hour of the org's time later.
    private func loaded(_ count: Int = 40) async throws -> ReplicaBench {
        let world = try await ReplicaBench()
        world.org.found(count)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        world.org.with { $0.time += 100_000 }
        try world.org.commit(.update, [.test("500", 40)], ["Status": .string("heard")])
        try await world.org.deliver(to: world.bench.twin)
        world.org.with { $0.time += 100_000 }
        return world
    }

    private func settle(_ world: ReplicaBench, overlap: Duration = .seconds(3)) async throws -> Snapshot {
        let replica = world.replica(overlap: overlap)
        try await world.running(replica) {
            try await poll("a second reading") { try await replica.status().snapshots.count >= 2 }
            try await world.settled(replica)
        }
        return try #require(try await replica.status().snapshots.last)
    }

    @Test func lostEventsHaveWhatChangedSinceRead() async throws {
        let world = try await loaded()
        try world.org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
        try world.org.commit(.create, [.test("500", 100)], ["Status": .string("never seen")])
        try world.org.commit(.delete, [.test("500", 2), .test("500", 3)])
        // Gone from the recycle bin, too: only the ids tell.
        world.org.with { $0.records[.test("500", 3)] = nil }
        try await world.org.lose(to: world.bench.twin)
        let snapshot = try await settle(world)
        try await world.expectEqual()
        #expect(snapshot.query.since == world.org.records[.test("500", 40)].map { $0.systemModstamp - 3_000 })
        #expect(snapshot.query.includesDeleted && snapshot.removed == 1)
        // The one that was heard last, and those that were missed.
        #expect(snapshot.rows == 4 && world.org.with { $0.rowsRead } == 4)
        #expect(try await world.rows()[.test("500", 2)]?.isDeleted == true)
        #expect(try await world.bench.twin.gapEntries(limit: 10).map(\.mend) == [.snapshot])
    }

    /// Every row is marked; those that the reading does not bring lose the mark, unless they are in doubt for themselves.
    @Test func anOverflowLeavesNoRowInDoubtThatItDidNotTouch() async throws {
        let world = try await loaded()
        try world.org.overflow(updating: [.test("500", 1), .test("500", 2)], deleting: [.test("500", 3)], making: 2)
        try await world.org.deliver(to: world.bench.twin)
        #expect(try await world.rows().values.allSatisfy(\.needsRefetch))
        // In doubt for itself, from before the window's end and not in it: its change has an old time.
        try world.org.commit(.update, [.test("500", 9)], ["Status": .string("gap")], asGap: true)
        world.org.with { $0.records[.test("500", 9)]?.systemModstamp = 1_700_000_000_000 }
        try await world.org.deliver(to: world.bench.twin)
        let before = world.org.with { $0.rowsByID }
        let snapshot = try await settle(world)
        try await world.expectEqual()
        #expect(snapshot.query.since != nil && snapshot.rows == 5)
        #expect(world.org.with { $0.rowsByID } - before == 1)
        let mends = try await world.bench.twin.gapEntries(limit: 10).map { "\($0.reason) \($0.mend.rawValue)" }
        #expect(mends == ["GAP_UPDATE refetch", "overflow snapshot"])
    }

    /// A row has the time of its change, the event that of the commit.
    @Test(arguments: [(Duration.zero, false), (.seconds(10), true)])
    func theMarginMustBeLongerThanTheLongestTransaction(_ margin: Duration, isRight: Bool) async throws {
        let world = try await loaded()
        try world.org.overflow(updating: [.test("500", 1)])
        world.org.with { state in
            let time = state.time
            state.records[.test("500", 1)]?.systemModstamp = (time - 9_000) / 1_000 * 1_000
        }
        try await world.org.deliver(to: world.bench.twin)
        _ = try await settle(world, overlap: margin)
        let overflown = try await world.rows()[.test("500", 1)]?.image.fields["Description"]
        #expect((overflown == world.org.records[.test("500", 1)]?.fields["Description"]) == isRight)
    }

    @Test func aConversionHasEverythingRead() async throws {
        let world = try await loaded()
        world.org.with { state in
            for id in state.records.keys { state.records[id]?.fields["Priority"] = .string("converted") }
        }
        try await world.bench.ingest(
            try world.bench.cases.event(
                .update, ids: ["500*"], counter: 900, commitTimestamp: world.org.with { $0.time }))
        let snapshot = try await settle(world)
        try await world.expectEqual()
        #expect(snapshot.query.since == nil && snapshot.isWhole && snapshot.rows == 40)
    }

    private func convert(_ org: SourceOrg, _ twin: Twin) async throws {
        org.with { state in
            for id in state.records.keys { state.records[id]?.fields["Priority"] = .string("converted") }
        }
        let event = try org.cases.event(.update, ids: ["500*"], counter: 900, commitTimestamp: org.with { $0.time })
        try await twin.ingest(ReceivedBatch(topic: CaseEvents.topic, events: [event], latestReplayID: nil))
    }

    @Test func aConversionWhileWhatHasChangedIsReadHasAReadingOfItsOwn() async throws {
        let world = try await loaded()
        let twin = world.bench.twin
        try world.org.overflow(updating: [.test("500", 1)])
        try await world.org.deliver(to: twin)
        world.org.once { org in try await convert(org, twin) }
        let snapshot = try await settle(world)
        try await world.expectEqual()
        #expect(snapshot.id == 3 && snapshot.isWhole)
    }

    /// It was broken off; what comes then needs more than it has asked for.
    @Test func aReadingThatHasBegunIsWidened() async throws {
        let world = try await loaded()
        let twin = world.bench.twin
        try world.org.overflow(updating: [.test("500", 1)])
        try await world.org.deliver(to: twin)
        world.org.meanwhile { _ in throw DeadlinePassed(description: "the answer is lost") }
        let first = world.replica()
        try await world.running(first) {
            try await poll("it reads") { try await first.status().snapshots.last?.read != nil }
        }
        #expect(try await first.status().snapshots.last?.query.since != nil)
        world.org.meanwhile(nil)
        try await convert(world.org, twin)
        let snapshot = try await settle(world)
        try await world.expectEqual()
        #expect(snapshot.id == 2 && snapshot.isWhole && snapshot.restarts == 1)
    }

    /// Such a version marked a record and kept no entry that says so.
    @Test func aMarkOfAnOlderVersionStaysUntilTheRecordIsRead() async throws {
        let world = try await loaded()
        let twin = world.bench.twin
        try await twin.store.write { writer in
            var record = try #require(try writer.record(entity: "Case", id: .test("500", 7)))
            record.image.fields["Status"] = .string("doubtful")
            record.needsRefetch = true
            try writer.put(record)
            var state = try #require(try ReplicaState.read(writer))
            state.marksHaveEntries = nil
            try state.write(writer)
        }
        try world.org.overflow(updating: [.test("500", 1)])
        try await world.org.deliver(to: twin)
        _ = try await settle(world)
        try await world.expectEqual()
    }

    /// More tombstones than are read by their ids: no reading brings them, and they are not read for ever.
    @Test func tombstonesDoNotStayInDoubtAfterAnOverflow() async throws {
        let world = try await loaded()
        for number in 1...30 { try world.org.commit(.delete, [.test("500", number)]) }
        try await world.org.deliver(to: world.bench.twin)
        world.org.with { $0.time += 100_000 }
        try world.org.overflow(updating: [.test("500", 35)])
        try await world.org.deliver(to: world.bench.twin)
        let replica = world.replica(refetchesMax: 10)
        try await world.running(replica) {
            try await poll("a second reading") { try await replica.status().snapshots.count >= 2 }
            try await world.settled(replica)
        }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.count == 2)
        #expect(try await world.rows().values.filter(\.isDeleted).count == 30)
    }

    /// Events of what was not replicated for a while are not there.
    @Test func anObjectThatIsReplicatedAgainIsReadWhole() async throws {
        let world = try await loaded()
        let twin = world.bench.twin
        _ = try await Twin(store: twin.store, configuration: .init(), logger: twin.logger)
        let again = try await Twin(store: twin.store, configuration: twin.configuration, logger: twin.logger)
        let state = try await again.store.read { try ReplicaState.read($0) }
        #expect(state?.objects.isEmpty == true)
    }
}
