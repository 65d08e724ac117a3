import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// Where others lose changes, one test each; the table of all of them is in `docs/twin.md`, "Loss traps".
@Suite(.timeLimit(.minutes(5))) struct LossTrapTests {
    /// What happens to an org whose replica is loaded, and then what becomes of the replica.
    private func afterLoading(
        _ count: Int, _ happens: @escaping @Sendable (ReplicaBench) async throws -> Void
    ) async throws -> ReplicaBench {
        let world = try await ReplicaBench()
        world.org.found(count)
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            let before = try await replica.status().snapshots.count
            try await happens(world)
            try await world.org.deliver(to: world.bench.twin)
            let isUnnamed = try await world.bench.gaps().contains {
                [Gap.overflow, Gap.conversion].contains($0.reason)
            }
            if isUnnamed {
                try await poll("a second reading") { try await replica.status().snapshots.count > before }
            }
            try await world.settled(replica)
        }
        try await world.expectEqual()
        return world
    }

    @Test("loss trap: GAP_DELETE of a gone record")
    func gapDeleteOfAGoneRecord() async throws {
        let id = RecordID.test("500", 2)
        let world = try await afterLoading(5) { world in
            try world.org.commit(.delete, [id], asGap: true)
            // Out of the recycle bin before anybody could ask for it.
            world.org.with { $0.records[id] = nil }
        }
        #expect(try await world.rows()[id]?.isDeleted ?? true)
        #expect(world.org.with { $0.rowsByID } == 0)
    }

    @Test("loss trap: overflow with cascade delete")
    func overflowWithCascadeDelete() async throws {
        let gone = (1...12).map { RecordID.test("500", $0) }
        let world = try await afterLoading(20) { world in
            // More than the org publishes: one event without ids, for deletions and changes alike.
            try world.org.publishUnnamed(.gapOverflow, "000000000000000AAA")
            world.org.with { state in
                for id in gone.prefix(6) { state.records[id] = nil }
                for id in gone.dropFirst(6) { state.records[id]?.isDeleted = true }
                state.records[.test("500", 20)]?.fields["Status"] = .string("changed by the same transaction")
                for id in gone + [.test("500", 20)] { state.records[id]?.systemModstamp = state.time / 1_000 * 1_000 }
            }
        }
        let rows = try await world.rows()
        #expect(gone.allSatisfy { rows[$0]?.isDeleted ?? true })
    }

    @Test("loss trap: wildcard id")
    func wildcardID() async throws {
        let world = try await afterLoading(8) { world in
            // A conversion that loses data: one UPDATE for all records, without fields.
            world.org.with { state in
                for id in state.records.keys { state.records[id]?.fields["Priority"] = .null }
            }
            try world.org.publishUnnamed(.update, "500*")
        }
        let rows = try await world.rows()
        #expect(rows.values.allSatisfy { $0.image.fields["Priority"] == .null && !$0.needsRefetch })
    }

    @Test("loss trap: merged refetch")
    func mergedRefetch() async throws {
        let ids = [1, 4, 5].map { RecordID.test("500", $0) }
        let world = try await afterLoading(6) { world in
            try world.org.commit(.update, ids, ["Status": .string("merged"), "Subject": .null], asGap: true)
        }
        let rows = try await world.rows()
        #expect(ids.allSatisfy { rows[$0]?.image.fields["Status"] == .string("merged") })
        #expect(world.org.with { $0.rowsByID } == 3)
    }

    @Test("loss trap: enriched null")
    func enrichedNull() async throws {
        let id = RecordID.test("500", 1)
        let world = try await afterLoading(2) { world in
            try world.org.commit(.update, [id], ["ContactId": .string("003000000000001AAA")])
            // Enriched fields come as null when they are empty at delivery, which is before this change for the reader.
            try world.org.publish(.update, [id], ["Status": .string("next")], enriched: ["ContactId": .null])
        }
        #expect(try await world.rows()[id]?.image.fields["ContactId"] == .string("003000000000001AAA"))
    }

    @Test("loss trap: a partial update is taken for the whole record")
    func partialUpdateOfAnUnknownRecord() async throws {
        let id = RecordID.test("500", 70)
        let world = try await afterLoading(2) { world in
            // Made while nobody listened; the first that is heard of it is one field.
            world.org.with { state in
                let fields = SourceOrg.randomFields(&state).merging(["Subject": .string("from before")]) { $1 }
                state.records[id] = .init(fields: fields, systemModstamp: state.time / 1_000 * 1_000)
            }
            try world.org.commit(.update, [id], ["Status": .string("heard")])
        }
        #expect(try await world.rows()[id]?.image.fields["Subject"] == .string("from before"))
    }

    @Test("loss trap: nothing tells of a hard delete")
    func hardDelete() async throws {
        let id = RecordID.test("500", 3)
        let world = try await afterLoading(5) { world in
            world.org.with { $0.records[id] = nil }
            // Found by whatever has the object read whole.
            try await world.org.lose(to: world.bench.twin)
            try await poll("it is read again") { world.org.with { $0.readsBegun } > 1 }
        }
        #expect(try await world.rows()[id] == nil)
    }
}

extension SourceOrg {
    /// An event for records that it does not name.
    func publishUnnamed(_ type: ChangeType, _ id: String) throws {
        try with { state in
            state.counter += 1
            state.time += 1_000
            state.outbox.append(
                try cases.event(type, ids: [id], counter: state.counter, commitTimestamp: state.time))
        }
    }

    /// A change with what enrichment has added to its event.
    func publish(
        _ type: ChangeType, _ ids: [RecordID], _ changes: [String: FieldValue], enriched: [String: FieldValue]
    ) throws {
        try with { state in
            state.counter += 1
            state.time += 1_000
            for id in ids {
                state.records[id]?.fields.merge(changes) { $1 }
                state.records[id]?.systemModstamp = state.time / 1_000 * 1_000
            }
            state.outbox.append(
                try cases.event(
                    type, ids: ids.map(\.string), counter: state.counter, changes: changes, enriched: enriched,
                    commitTimestamp: state.time))
        }
    }
}
