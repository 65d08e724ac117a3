import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// Objects that are not, or not any more, what they were.
@Suite(.timeLimit(.minutes(5))) struct ReplicaFieldTests {
    private let id = RecordID.test("500", 1)

    @Test func oneObjectThatIsNotThereHoldsUpNoOther() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        let nothing = ReplicatedObject(name: "Nothing__c", fields: .all, topics: [CaseEvents.topic])
        let replica = world.replica(nothing, ReplicaBench.object)
        try await world.running(replica) {
            try await world.settled(replica)
            try await poll("the reason is told") { try await replica.status().objects[0].message != nil }
        }
        try await world.expectEqual()
        #expect(try await replica.status().objects[0].message == "there is no Nothing__c")
    }

    /// Its events come in another schema: the table gets a column, and the values that it has had until then.
    @Test func aNewFieldGetsItsColumnAndItsValues() async throws {
        let world = try await ReplicaBench()
        world.org.found(9)
        world.org.with { $0.hidden = ["Priority"] }
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            #expect(try await replica.status().objects[0].columns == CaseEvents.fieldNames.count)
            world.org.with { $0.hidden = [] }
            try world.org.commit(.update, [.test("500", 1)], ["Priority": .string("high")])
            try await world.org.deliver(to: world.bench.twin)
            try await poll("the column is read") { try await replica.status().snapshots.count == 2 }
            try await world.settled(replica)
        }
        try await world.expectEqual()
        #expect(try await replica.status().snapshots.last?.reason == .newFields)
    }

    /// A query that names it is refused; then the org is asked what there is.
    @Test func aFieldThatIsGoneKeepsItsColumn() async throws {
        let world = try await ReplicaBench()
        world.org.found(9)
        try await world.begin()
        let replica = world.replica()
        let before = try await world.running(replica) {
            try await world.settled(replica)
            let before = try await world.rows()
            world.org.with { $0.hidden = ["Subject"] }
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("gap")], asGap: true)
            try await world.org.deliver(to: world.bench.twin)
            try await world.settled(replica)
            _ = try await replica.requestSnapshot(of: "Case")
            try await world.settled(replica)
            return before
        }
        let rows = try await world.rows()
        #expect(rows[id]?.image.fields["Status"] == .string("gap"))
        for (id, row) in rows { #expect(row.image.fields["Subject"] == before[id]?.image.fields["Subject"]) }
        #expect(try await replica.status().snapshots.allSatisfy { $0.phase == .done })
    }

    /// Found by the torture (seed 500076): rows were read with a field that the events of their window, from before it was made,
    /// did not know; the undelete made a record without it.
    @Test func aRecordThatFellAndCameBackKeepsWhatItsEventsDoNotKnow() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        world.org.addUnheard("Extra__c")
        try await world.begin()
        world.org.once { org in
            try org.commit(.delete, [.test("500", 1)])
            try org.commit(.undelete, [.test("500", 1)])
            try await org.deliver(to: world.bench.twin)
        }
        let replica = world.replica()
        try await world.running(replica) { try await world.settled(replica) }
        try await world.expectEqual()
    }

    /// Found by the torture (seed 700036): a merge had deleted it, and it was read in the recycle bin.
    @Test func aRecordThatIsBackFromAMergeHasNoMaster() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        world.org.with { state in
            state.unheard.append("MasterRecordId")
            for id in state.records.keys { state.records[id]?.fields["MasterRecordId"] = .null }
        }
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("gap")], asGap: true)
            try world.org.commit(.delete, [.test("500", 1)])
            world.org.with { $0.records[.test("500", 1)]?.fields["MasterRecordId"] = .string("500000000000002") }
            try await world.org.deliver(to: world.bench.twin, 1)
            try await world.settled(replica)
            #expect(
                try await world.rows()[.test("500", 1)]?.image.fields["MasterRecordId"] == .string("500000000000002"))
            try world.org.commit(.undelete, [.test("500", 1)])
            world.org.with { $0.records[.test("500", 1)]?.fields["MasterRecordId"] = .null }
            try await world.org.deliver(to: world.bench.twin)
            try await world.settled(replica)
        }
        try await world.expectEqual()
    }

    @Test func aNewFieldReachesRecordsThatAreBackInTheOrgAndNotYetHere() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            try world.org.commit(.delete, [.test("500", 1), .test("500", 2)])
            try await world.org.deliver(to: world.bench.twin)
            try world.org.commit(.undelete, [.test("500", 1)])
            try await addField(world, replica)
            try await world.org.deliver(to: world.bench.twin)
        }
        try await world.expectEqual()
    }

    /// A field that no event tells of; returns when its column has been read.
    private func addField(_ world: ReplicaBench, _ replica: Replica) async throws {
        world.org.addUnheard("Extra__c")
        replica.descriptions.ask(for: "Case")
        try await poll("the column is read") { try await replica.status().snapshots.count == 2 }
        try await world.settled(replica)
    }

    /// Whoever read the new column could not write it into a row that was not there.
    @Test func aRowReadWithoutAFieldThatIsNewIsReadAgain() async throws {
        let world = try await ReplicaBench()
        world.org.found(5)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            let known = try await world.bench.twin.store.read { try ReplicaState.read($0)?.objects["Case"]?.fields }
            let old = SourceQuery(object: "Case", fields: try #require(known))
            world.org.found(1)
            let late = try await world.org.rows(old, ids: [.test("500", 6)])
            try await addField(world, replica)
            let window = try await Window.open(ReplicaBench.object, in: world.bench.twin)
            try await world.bench.twin.commit { writer in
                try writer.remove(entity: "Case", id: .test("500", 6))
                var replay = try RowReplay(
                    old, hasAllFields: true, of: ReplicaBench.object, window: try window.view(writer), writer: writer,
                    twin: world.bench.twin, mending: .refetch)
                try replay.write(late)
                try replay.finish()
            }
            window.close(in: world.bench.twin)
            try await world.settled(replica)
        }
        try await world.expectEqual()
    }
}
