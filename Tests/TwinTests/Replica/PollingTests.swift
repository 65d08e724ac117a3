import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// Objects that no event tells of, and columns (`docs/twin.md`, "Polling").
@Suite(.timeLimit(.minutes(5))) struct PollingTests {
    private let id = RecordID.test("500", 1)

    private static func polled(every: Duration = .seconds(3_600), refreshFormulas: Duration? = nil) -> ReplicatedObject
    {
        ReplicatedObject(name: "Case", fields: .all, topics: [], poll: every, refreshFormulas: refreshFormulas)
    }

    private func polled(_ replica: Replica) async throws {
        try await replica.catchUp(Self.polled()) { _ in }
    }

    /// A loaded object, what happens to it then, and a poll.
    private func afterAPoll(
        overlap: Duration = .seconds(3), _ happens: @escaping @Sendable (ReplicaBench, Replica) async throws -> Void
    ) async throws -> ReplicaBench {
        let world = try await ReplicaBench(topics: [])
        world.org.found(12)
        let replica = world.replica(Self.polled(), overlap: overlap)
        try await world.running(replica) {
            try await world.settled(replica)
            try await happens(world, replica)
            try await polled(replica)
        }
        return world
    }

    @Test func anObjectWithoutEventsFollowsItsOrg() async throws {
        let world = try await afterAPoll { world, _ in
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("changed")])
            try world.org.commit(.delete, [.test("500", 2), .test("500", 3)])
            try world.org.commit(.undelete, [.test("500", 3)])
            try world.org.commit(.create, [.test("500", 40)], ["Subject": .string("new")])
        }
        try await world.expectEqual()
        #expect(try await world.bench.log().isEmpty)
    }

    /// Everything happens while rows are being read, transactions stay open, and the process ends now and then.
    @Test(arguments: 0..<4) func aPolledObjectIsItsOrgInTheEnd(run: Int) async throws {
        let random = SeededRandom(seed: SeededRandom().seed &+ UInt64(run))
        let world = try await ReplicaBench(random: random, topics: [])
        world.org.with { state in
            state.transactionMax = 2_500
            state.pauseChance = 0.05
        }
        world.org.found(60)
        world.org.meanwhile { org in try org.changeAtRandom() }
        for _ in 0..<6 {
            let replica = world.replica(Self.polled(every: .zero), overlap: .seconds(4))
            try await world.running(replica) {
                for _ in 0..<30 {
                    try world.org.changeAtRandom()
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
        }
        world.org.meanwhile(nil)
        let replica = world.replica(Self.polled(), overlap: .seconds(4))
        try await world.running(replica) {
            try await world.settled(replica)
            try await polled(replica)
        }
        try await world.expectEqual("seed \(random.seed)")
        try await world.expectHistory("seed \(random.seed)")
    }

    @Test("loss trap: strict > cursor") func aChangeOfTheSameSecondIsSeen() async throws {
        let world = try await afterAPoll(overlap: .zero) { world, replica in
            try await polled(replica)
            // It is committed in the second of the newest row that the poll has seen.
            world.org.with { state in
                let newest = state.records.values.map(\.systemModstamp).max() ?? 0
                state.records[.test("500", 1)]?.fields["Status"] = .string("of the same second")
                state.records[.test("500", 1)]?.systemModstamp = newest
            }
        }
        try await world.expectEqual()
        #expect(try await world.rows()[id]?.image.fields["Status"] == .string("of the same second"))
    }

    @Test("loss trap: cursor by own clock") func ourClockIsAheadOfTheOrgs() async throws {
        let world = try await afterAPoll { world, replica in
            let ahead = try #require(world.org.records[.test("500", 1)]).systemModstamp
            #expect(world.bench.twin.configuration.now() > ahead + 60_000)
            try await polled(replica)
            world.org.with { $0.time += 1_000 }
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("by the org's clock")])
        }
        try await world.expectEqual()
        #expect(try await world.rows()[id]?.image.fields["Status"] == .string("by the org's clock"))
    }

    /// Its rows have the time of their change. One that was open for longer than the overlap is lost: that is what it is for.
    @Test(arguments: [(2_000, true), (5_000, false)]) func aTransactionThatWasOpen(
        took: Int64, isSeen: Bool
    ) async throws {
        let world = try await afterAPoll(overlap: .seconds(3)) { world, replica in
            world.org.with { $0.time += 60_000 }
            try world.org.commit(.update, [.test("500", 2)], ["Status": .string("newest")])
            try await polled(replica)
            world.org.with { state in
                state.records[.test("500", 1)]?.fields["Status"] = .string("late")
                state.records[.test("500", 1)]?.systemModstamp = (state.time - took) / 1_000 * 1_000
            }
        }
        let status = try await world.rows()[id]?.image.fields["Status"]
        #expect((status == .string("late")) == isSeen)
    }

    /// What changes while rows are read may have been read before: where it goes on is what the org had before the first of them.
    @Test func aLongReadingLosesNothing() async throws {
        let world = try await ReplicaBench(topics: [])
        world.org.found(12)
        let replica = world.replica(Self.polled(), overlap: .zero)
        world.org.meanwhile { org in
            // The first page has been read: one of its rows changes, then time passes and one of the last page's does.
            let known = org.with { state in state.reads.values.first ?? [] }
            guard !known.isEmpty else { return }
            org.meanwhile(nil)
            try org.commit(.update, [known[0]], ["Status": .string("behind the reading")])
            org.with { $0.time += 3_600_000 }
            try org.commit(.update, [known[11]], ["Status": .string("before it")])
        }
        try await world.running(replica) {
            try await world.settled(replica)
            try await polled(replica)
        }
        try await world.expectEqual()
    }

    @Test func whatIsLateIsNoDriftAndWhatIsGoneForGoodIsFound() async throws {
        let world = try await ReplicaBench(topics: [])
        world.org.found(12)
        let replica = world.replica(Self.polled())
        let drift = try await world.running(replica) {
            try await world.settled(replica)
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("late")])
            // Out of the recycle bin before anybody has asked.
            world.org.with { $0.records[.test("500", 2)] = nil }
            let number = try await replica.requestReconciliations(of: nil)[0]
            try await poll("the reconciliation has ended", every: .milliseconds(3)) {
                try await replica.reconciliation(number)?.reconciliation.isEnded ?? false
            }
            return try await replica.reconciliation(number)?.reconciliation.drift
        }
        try await world.expectEqual()
        #expect(drift == [.gone: 1])
    }

    @Test func aNewFieldOfAPolledObjectIsFound() async throws {
        let world = try await ReplicaBench(topics: [])
        world.org.found(5)
        let replica = world.replica(Self.polled())
        try await world.running(replica) {
            try await world.settled(replica)
            world.org.addUnheard("Extra__c")
            try await polled(replica)
            try await poll("the column is read") { try await replica.status().snapshots.count == 2 }
            try await world.settled(replica)
        }
        try await world.expectEqual()
    }

    @Test func aPollThatTheOrgRefusesIsToldAndTriedAgain() async throws {
        let world = try await ReplicaBench(topics: [])
        world.org.found(5)
        let replica = world.replica(Self.polled(every: .zero))
        try await world.running(replica) {
            try await world.settled(replica)
            world.org.with { $0.refusals = 3 }
            try await poll("it is told") { try await replica.status().objects[0].message?.contains("budget") ?? false }
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("later")])
            try await polled(replica)
            try await poll("it is over") { try await replica.status().objects[0].message == nil }
        }
        try await world.expectEqual()
    }

    // MARK: Formulas and freshness

    @Test func formulasAreReadOnASchedule() async throws {
        let world = try await ReplicaBench()
        world.org.found(9)
        world.org.with { $0.calculated = ["Description"] }
        try await world.begin()
        let object = ReplicatedObject(
            name: "Case", fields: .all, topics: [CaseEvents.topic], refreshFormulas: .zero)
        let replica = world.replica(object)
        try await world.running(replica) {
            try await poll("it is loaded") { try await replica.status().objects[0].loadedAt != nil }
            world.org.with { state in
                for id in state.records.keys { state.records[id]?.fields["Description"] = .string("computed anew") }
            }
            try await poll("the formulas are there", every: .milliseconds(5)) {
                try await world.rows().values.allSatisfy { $0.image.fields["Description"] == .string("computed anew") }
            }
        }
        try await world.expectEqual()
        let status = try await replica.status()
        #expect(status.snapshots.filter { $0.reason == .formulas && $0.isEnded }.count <= 1)
        #expect(status.snapshots.filter { $0.reason == .formulas }.allSatisfy { $0.query.fields == ["Description"] })
    }

    @Test func everyColumnSaysHowFreshItIs() async throws {
        let world = try await ReplicaBench()
        world.org.found(3)
        world.org.with { $0.calculated = ["Description"] }
        world.org.addUnheard("Extra__c")
        try await world.begin()
        let heard = CaseEvents.fieldNames.filter { $0 != "Description" }
        let (unheard, now) = (["Extra__c", "SystemModstamp"], world.bench.twin.configuration.now())
        let live = ReplicatedObject(name: "Case", fields: .all, topics: [CaseEvents.topic])
        let refreshed = ReplicatedObject(
            name: "Case", fields: .all, topics: [CaseEvents.topic], poll: .seconds(300), refreshFormulas: .seconds(600))
        let freshness = { @Sendable (object: ReplicatedObject) in
            let replica = world.replica(object)
            return try await world.running(replica) {
                try await world.settled(replica)
                if object.poll != nil { try await replica.catchUp(object) { _ in } }
                return try await replica.status().objects[0].freshness
            }
        }
        // Which fields events have is known when the first has come.
        try await world.bench.ingest(
            try world.bench.cases.event(
                .update, ids: [id.string], counter: 2, changes: ["Status": .string("x")], commitTimestamp: 1))
        #expect(
            try await freshness(live) == [
                ColumnFreshness(source: .events, columns: heard),
                ColumnFreshness(source: .reading, columns: ["Description"] + unheard, asOf: now),
            ])
        #expect(
            try await freshness(refreshed) == [
                ColumnFreshness(source: .events, columns: heard),
                ColumnFreshness(source: .poll, columns: unheard, asOf: now, every: 300),
                ColumnFreshness(source: .refresh, columns: ["Description"], asOf: now, every: 600),
            ])
    }
}
