import ChangeEvents
import Logging
import Store
import TestSupport
import Testing
@testable import Twin

/// A replica of cases, beside the org that it is of.
struct ReplicaBench: Sendable {
    static let object = ReplicatedObject(name: "Case", fields: .all, topics: [CaseEvents.topic])

    let bench: TwinBench
    let org: SourceOrg

    init(
        random: SeededRandom = SeededRandom(), pageRows: Int = 7, topics: Set<String> = [CaseEvents.topic]
    ) async throws {
        bench = try await TwinBench { configuration in
            configuration.replicated = ["Case": topics]
            configuration.history = ["Case": .forever]
        }
        org = SourceOrg(cases: bench.cases, random: random, pageRows: pageRows)
    }

    /// The topic has a place: its first keepalive has come.
    func begin() async throws { try await bench.ingest(latest: 1) }

    func replica(
        _ objects: ReplicatedObject..., refetchesMax: Int = 2_000, overlap: Duration = .seconds(3),
        chunkRows: Int = 1_000_000
    ) -> Replica {
        var configuration = Replica.Configuration(objects: objects.isEmpty ? [Self.object] : objects)
        configuration.interval = .milliseconds(2)
        configuration.pauses = .milliseconds(1) ... .milliseconds(5)
        configuration.refetchesMax = refetchesMax
        configuration.overlap = overlap
        configuration.chunkRows = chunkRows
        configuration.reconciling.pauses = [.milliseconds(2), .milliseconds(2)]
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Replica(twin: bench.twin, source: org, configuration: configuration, logger: logger)
    }

    /// Runs a replica beside `body`, and ends it.
    func running<T: Sendable>(
        _ replica: Replica, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                do {
                    try await replica.run()
                } catch is CancellationError {}
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let next { return next }
                try Task.checkCancellation()
            }
            throw CancellationError()
        }
    }

    /// Every snapshot has ended, nothing is in doubt and every gap is mended.
    func settled(_ replica: Replica) async throws {
        try await poll("the replica has nothing to do", every: .milliseconds(3)) {
            let status = try await replica.status()
            return !status.snapshots.isEmpty && status.snapshots.allSatisfy(\.isEnded)
                && status.objects.allSatisfy { $0.inDoubt == 0 } && bench.twin.openGaps == 0
        }
    }

    func rows() async throws -> [RecordID: StoredRecord] {
        let rows = try await bench.twin.store.read { try $0.records(entity: "Case", after: nil, limit: .max) }
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.image.id, $0) })
    }

    /// The table is the org.
    func expectEqual(_ comment: String = "") async throws {
        let rows = try await rows()
        let records = org.records
        for (id, record) in records where !record.isDeleted {
            let row = rows[id]
            #expect(row?.isDeleted == false, "\(comment) \(id)")
            #expect(row?.image.isComplete == true, "\(comment) \(id)")
            #expect(
                row.map { $0.image.fields.filter { $0.key != "SystemModstamp" } == record.fields } == true,
                "\(comment) \(id): \(String(describing: row?.image.fields.dictionary)) is not \(record.fields)")
        }
        for (id, row) in rows where !row.isDeleted {
            #expect(records[id].map { !$0.isDeleted } == true, "\(comment) \(id) is not in the org")
        }
    }
}

/// The rules of `docs/twin.md`, "Replicated objects", one by one; the letters are those of its races.
@Suite(.timeLimit(.minutes(5))) struct ReplicaTests {
    private let id = RecordID.test("500", 1)

    @Test func firstLoadBringsEverything() async throws {
        let world = try await ReplicaBench()
        world.org.found(50)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
        let status = try await replica.status()
        let snapshot = try #require(status.snapshots.first)
        #expect(snapshot.rows == 50 && snapshot.total == 50 && snapshot.phase == .done && snapshot.reason == .firstLoad)
        #expect(status.objects.first?.loadedAt == 1_700_000_500_000)
        #expect(world.org.with { $0.reads.isEmpty })
    }

    /// A: who reads before the subscription has its place, loses what happens in between.
    @Test("loss trap: hand-off A, snapshot and then subscribe")
    func readingBeginsWhenTheTopicHasAPlace() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        let replica = world.replica()
        try await world.running(replica) {
            try await poll("the snapshot waits") { try await replica.status().snapshots.first?.phase == .waiting }
            try await Task.sleep(for: .milliseconds(40))
            #expect(world.org.with { $0.readsBegun } == 0)
            try await world.begin()
            try await world.settled(replica)
        }
        try await world.expectEqual()
    }

    /// B: the row is read, then changed; the event comes when all pages have been written.
    @Test("loss trap: hand-off B, events older than the snapshot's end")
    func aChangeBehindTheRowIsNotTakenForOlderThanTheSnapshot() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        world.org.once { org in
            try org.commit(.update, [.test("500", 1)], ["Status": .string("changed")])
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        #expect(try await world.rows()[id]?.image.fields["Status"] != .string("changed"))
        try await world.org.deliver(to: world.bench.twin)
        try await world.expectEqual()
    }

    /// C: an event of one field makes a row; the others are in the row that was read.
    @Test("loss trap: hand-off C, the row is dropped")
    func aRowIsNotDroppedBecauseItsRecordHasChanged() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        let twin = world.bench.twin
        world.org.once { org in
            try org.commit(.update, [.test("500", 1)], ["Status": .string("changed")])
            try await org.deliver(to: twin)
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        #expect(try await world.rows()[id]?.image.fields["Status"] == .string("changed"))
        try await world.expectEqual()
        #expect(world.org.with { $0.rowsByID } == 0)
    }

    /// D: what was read is older than what events have done since.
    @Test("loss trap: hand-off D, the snapshot overwrites")
    func aRowDoesNotOverwriteWhatCameSince() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        let twin = world.bench.twin
        world.org.once { org in
            try org.commit(.delete, [.test("500", 1)])
            try org.commit(.update, [.test("500", 2)], ["Status": .string("changed"), "Subject": .null])
            try await org.deliver(to: twin)
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        #expect(try await world.rows()[id]?.isDeleted == true)
        try await world.expectEqual()
    }

    @Test func aReadingGoesOnAfterARestart() async throws {
        let world = try await ReplicaBench()
        world.org.found(40)
        try await world.begin()
        let first = world.replica()
        let pages = Pages()
        world.org.meanwhile { org in
            // From the third page on nothing comes.
            if pages.next() >= 3 { throw CancellationError() }
            try org.changeAtRandom()
        }
        try await world.running(first) {
            try await poll("two pages are written") { try await first.status().snapshots.first?.rows == 14 }
        }
        world.org.meanwhile(nil)
        // While nobody reads, the stream goes on.
        for _ in 0..<30 { try world.org.changeAtRandom() }
        try await world.org.deliver(to: world.bench.twin)
        let second = world.replica()
        try await world.running(second) { try await world.settled(second) }
        try await world.expectEqual()
        // One reading of the rows and one of the ids.
        #expect(world.org.with { $0.readsBegun } == 2)
        #expect(try await second.status().snapshots.first?.restarts == 0)
    }

    @Test func aReadingThatTheOrgHasForgottenBeginsAgain() async throws {
        let world = try await ReplicaBench()
        world.org.found(60)
        try await world.begin()
        let pages = Pages()
        world.org.meanwhile { org in
            if pages.next() == 2 { org.with { $0.reads = [:] } }
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.first?.restarts == 1)
    }

    @Test func eventsLostInTheWindowMakeItBeginAgain() async throws {
        let world = try await ReplicaBench()
        world.org.found(20)
        try await world.begin()
        let twin = world.bench.twin
        let pages = Pages()
        world.org.meanwhile { org in
            guard pages.next() == 2 else { return }
            try org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
            org.with { $0.outbox = [] }
            try await twin.declareGap(topic: CaseEvents.topic, reason: "the replay id has expired")
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.first?.restarts == 1)
    }

    /// A log that is bounded by its size may forget what was to be replayed.
    @Test func retentionThatPassesTheWindowMakesItBeginAgain() async throws {
        let world = try await ReplicaBench()
        world.org.found(20)
        try await world.begin()
        let twin = world.bench.twin
        world.org.once { org in
            for number in 1...9 { try org.commit(.update, [.test("500", number)], ["Status": .string("changed")]) }
            try await org.deliver(to: twin)
            while try await twin.store.write({ try $0.trim(olderThan: .max, bytesMax: nil) }) > 0 {}
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.first?.restarts == 1)
    }

    @Test func aGapHasTheObjectReadAnew() async throws {
        let world = try await ReplicaBench()
        world.org.found(20)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
            try world.org.commit(.create, [.test("500", 100)], ["Status": .string("never seen")])
            try world.org.commit(.delete, [.test("500", 2)])
            world.org.with { state in
                state.outbox = []
                // Gone from the recycle bin, too.
                state.records[.test("500", 2)] = nil
            }
            try await world.org.lose(to: world.bench.twin)
            try await poll("a second reading") { try await replica.status().snapshots.count == 2 }
            try await world.settled(replica)
        }
        try await world.expectEqual()
        let status = try await replica.status()
        #expect(status.snapshots.last?.reason == .gap && status.snapshots.last?.removed == 1)
        // A gap is acted on once, also by the next process.
        let next = world.replica()
        try await world.running(next) { try await Task.sleep(for: .milliseconds(50)) }
        #expect(try await next.status().snapshots.count == 2)
    }

    @Test func doubtIsReadByIDs() async throws {
        let world = try await ReplicaBench()
        world.org.found(10)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("gap")], asGap: true)
            try world.org.commit(.create, [.test("500", 77)], ["Status": .string("gap")], asGap: true)
            try world.org.commit(.delete, [.test("500", 2)], asGap: true)
            // Never seen, and gone before anybody asks.
            try world.org.commit(.create, [.test("500", 78)], [:], asGap: true)
            world.org.with { $0.records[.test("500", 78)] = nil }
            try await world.org.deliver(to: world.bench.twin)
            try await world.settled(replica)
        }
        try await world.expectEqual()
        #expect(world.org.with { $0.readsBegun } == 1)
        #expect(try await world.rows()[.test("500", 78)] == nil)
        #expect(try await world.rows()[.test("500", 2)]?.isDeleted == true)
    }

    @Test func muchDoubtIsReadWhole() async throws {
        let world = try await ReplicaBench()
        world.org.found(30)
        try await world.begin()
        let replica = world.replica(refetchesMax: 10)
        try await world.running(replica) {
            try await world.settled(replica)
            for number in 1...11 {
                try world.org.commit(.update, [.test("500", number)], ["Status": .string("gap")], asGap: true)
            }
            try await world.org.deliver(to: world.bench.twin)
            try await poll("a second reading") { try await replica.status().snapshots.count == 2 }
            try await world.settled(replica)
        }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.last?.reason == .doubt)
    }

    @Test func oneColumnIsReadAlone() async throws {
        let world = try await ReplicaBench()
        world.org.found(10)
        try await world.begin()
        let replica = world.replica()
        let id = try await world.running(replica) {
            try await world.settled(replica)
            world.org.with { state in
                for id in state.records.keys {
                    state.records[id]?.fields["Priority"] = .string("renamed")
                    state.records[id]?.fields["Subject"] = .string("renamed as well")
                }
            }
            let id = try await replica.requestSnapshot(of: "Case", fields: ["Priority"])
            try await world.settled(replica)
            return id
        }
        #expect(id == 2)
        let rows = try await world.rows()
        #expect(rows.values.allSatisfy { $0.image.fields["Priority"] == .string("renamed") && $0.image.isComplete })
        #expect(rows.values.allSatisfy { $0.image.fields["Subject"] != .string("renamed as well") })
    }

    @Test func whatIsNotReplicatedIsRefused() async throws {
        let world = try await ReplicaBench()
        let replica = world.replica()
        await #expect(throws: ReplicaError.self) { try await replica.requestSnapshot(of: "Account") }
        await #expect(throws: ReplicaError.self) { try await replica.requestSnapshot(of: "Case") }
        try await world.running(replica) {
            try await poll("the table is there") { try await replica.status().objects.first?.columns != 0 }
        }
        await #expect(throws: ReplicaError.self) {
            try await replica.requestSnapshot(of: "Case", fields: ["Nothing__c"])
        }
    }

    @Test func onlyNamedFieldsAreKept() async throws {
        let world = try await ReplicaBench()
        world.org.found(3)
        let object = ReplicatedObject(name: "Case", fields: .named(["Status"]), topics: [CaseEvents.topic])
        let bench = try await TwinBench {
            $0.keptFields = ["Case": Set(["Status"] + ReplicatedObject.always)]
            $0.replicated = ["Case": object.topics]
        }
        let org = world.org
        let narrow = ReplicaBench(bench: bench, org: org)
        try await narrow.begin()
        let replica = narrow.replica(object)
        try await narrow.running(replica) {
            try await narrow.settled(replica)
            try org.commit(.update, [.test("500", 1)], ["Status": .string("s"), "Subject": .string("not kept")])
            try await org.deliver(to: bench.twin)
        }
        let row = try #require(try await narrow.rows()[id])
        #expect(row.image.isComplete && Set(row.image.fields.keys) == ["Status", "LastModifiedDate", "SystemModstamp"])
        #expect(row.image.fields["Status"] == .string("s"))
    }
}

extension ReplicaBench {
    init(bench: TwinBench, org: SourceOrg) {
        self.bench = bench
        self.org = org
    }
}
