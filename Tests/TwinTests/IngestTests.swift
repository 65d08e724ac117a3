import ChangeEvents
import Foundation
import NIOCore
import Store
import TestSupport
import Testing
@testable import Twin

/// The rules of `docs/twin.md`, one by one.
@Suite struct IngestTests {
    private let id = RecordID.test("500", 1)
    private let other = RecordID.test("500", 2)
    private let start: Int64 = 1_700_000_000_000

    @Test func createInsertsACompleteRecord() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("S"), "IsClosed": .boolean(false)],
                commitTimestamp: start))
        let row = try #require(try await bench.record(id))
        #expect(row.image.isComplete)
        #expect(!row.needsRefetch)
        #expect(row.commitTimestamp == start)
        #expect(row.image.fields["Subject"] == .string("S"))
        #expect(row.image.fields["Priority"] == .null)
        #expect(try await bench.transitions() == [RecordTransition(id: id, before: nil, after: row.image)])
        let logged = try #require(try await bench.log().first)
        #expect(logged.content.eventName == "CaseChangeEvent")
        #expect(logged.content.receivedAt == 1_700_000_500_000)
        #expect(try await bench.cursor() == ReplayID(counter: 1))
    }

    @Test func updateChangesItsFieldsAndNoOthers() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1,
                changes: ["Subject": .string("S"), "Priority": .string("High"), "Status": .string("New")],
                commitTimestamp: start),
            try bench.cases.event(
                .update, ids: [id.string], counter: 2, changes: ["Status": .string("Closed")], nulled: ["Priority"],
                commitTimestamp: start + 5_000))
        let row = try #require(try await bench.record(id))
        #expect(row.image.fields["Subject"] == .string("S"))
        #expect(row.image.fields["Status"] == .string("Closed"))
        #expect(row.image.fields["Priority"] == .null)
        #expect(row.image.isComplete)
        #expect(row.commitTimestamp == start + 5_000)
        let change = try #require(try await bench.transitions().last)
        #expect(change.before?.fields["Status"] == .string("New"))
        #expect(change.before?.fields["Priority"] == .string("High"))
        #expect(change.after == row.image)
        #expect(Set(try await bench.log().last?.content.routing?.changedFields ?? []) == ["Status", "Priority"])
    }

    @Test func enrichedValuesFillWhatIsUnknownOnly() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("S"), "ContactId": .string("003")],
                commitTimestamp: start),
            try bench.cases.event(
                .update, ids: [id.string, other.string], counter: 2, changes: ["Status": .string("New")],
                enriched: ["ContactId": .string("later")], commitTimestamp: start))
        #expect(try await bench.record(id)?.image.fields["ContactId"] == .string("003"))
        #expect(try await bench.record(other)?.image.fields["ContactId"] == .string("later"))
        #expect(try await bench.log().last?.content.routing?.changedFields == ["Status"])
    }

    /// replication.md 2.3
    @Test func mergedEventHasATransitionPerRecord() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("A")], commitTimestamp: start),
            try bench.cases.event(
                .update, ids: [other.string, id.string], counter: 2, changes: ["Status": .string("X")],
                commitTimestamp: start))
        let last = try #require(try await bench.log().last)
        #expect(last.content.transitions.map(\.id) == [other, id])
        #expect(last.content.transitions[0].before == nil)
        #expect(last.content.transitions[0].after?.isComplete == false)
        #expect(last.content.transitions[1].before?.fields["Subject"] == .string("A"))
        #expect(last.content.transitions[1].after?.fields["Status"] == .string("X"))
    }

    /// 2.4
    @Test func updateOfAnUnknownRecordIsPartialAndRefetched() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .update, ids: [id.string], counter: 1, changes: ["Status": .string("X")], nulled: ["Priority"],
                commitTimestamp: start))
        let row = try #require(try await bench.record(id))
        #expect(row.image.fields == ["Status": .string("X"), "Priority": .null])
        #expect(!row.image.isComplete)
        #expect(row.needsRefetch)
        let due = { try await bench.twin.store.read { try $0.recordsToRefetch(entity: "Case", after: nil, limit: 10) } }
        #expect(try await due() == [row])
        // The whole record, from the bus: nothing is left to ask for.
        try await bench.ingest(
            try bench.cases.event(
                .undelete, ids: [id.string], counter: 2, changes: ["Status": .string("Y")],
                commitTimestamp: start + 5_000))
        #expect(try await due().isEmpty)
    }

    @Test(arguments: [(0, false), (-1_000, false), (1_000, true)])
    func updateAfterADeleteDependsOnWhichIsNewer(_ offset: Int64, revives: Bool) async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("A")], commitTimestamp: start),
            try bench.cases.event(.delete, ids: [id.string], counter: 2, commitTimestamp: start + 10_000))
        try await bench.ingest(
            try bench.cases.event(
                .update, ids: [id.string], counter: 3, changes: ["Status": .string("X")],
                commitTimestamp: start + 10_000 + offset))
        let row = try #require(try await bench.record(id))
        let last = try #require(try await bench.transitions().last)
        #expect(row.isDeleted == !revives)
        #expect(row.needsRefetch == revives)
        #expect(last.before == nil)
        if revives {
            #expect(!row.image.isComplete)
            #expect(row.image.fields["Status"] == .string("X"))
            #expect(last.after == row.image)
        } else {
            #expect(row.image.fields["Status"] == .null)
            #expect(last.after == nil)
        }
        #expect(try await bench.log().count == 3)
    }

    /// 2.6
    @Test func deleteKeepsATombstoneWithTheLastImageAndUndeleteBringsItBack() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("A")], commitTimestamp: start),
            try bench.cases.event(.delete, ids: [id.string], counter: 2, commitTimestamp: start + 1_000))
        let tombstone = try #require(try await bench.record(id))
        #expect(tombstone.isDeleted)
        #expect(tombstone.image.fields["Subject"] == .string("A"))
        #expect(try await bench.transitions().last == RecordTransition(id: id, before: tombstone.image, after: nil))
        // In the second of the deletion: an undelete can only come after it.
        try await bench.ingest(
            try bench.cases.event(
                .undelete, ids: [id.string], counter: 3, changes: ["Subject": .string("B")],
                commitTimestamp: start + 1_000))
        let row = try #require(try await bench.record(id))
        #expect(!row.isDeleted)
        #expect(row.image.isComplete)
        #expect(row.image.fields["Subject"] == .string("B"))
        #expect(try await bench.transitions().last == RecordTransition(id: id, before: nil, after: row.image))
    }

    @Test func deleteOfAnUnknownRecordLeavesATombstone() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(try bench.cases.event(.delete, ids: [id.string], counter: 1, commitTimestamp: start))
        #expect(try await bench.record(id)?.isDeleted == true)
        #expect(try await bench.transitions() == [RecordTransition(id: id, before: nil, after: nil)])
    }

    /// 2.7
    @Test(arguments: [ChangeType.gapCreate, .gapUpdate, .gapUndelete, .snapshot])
    func gapMarksTheRecordForRefetch(_ type: ChangeType) async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Subject": .string("A")], commitTimestamp: start),
            try bench.cases.event(type, ids: [id.string, other.string], counter: 2, commitTimestamp: start + 1_000))
        let known = try #require(try await bench.record(id))
        let unknown = try #require(try await bench.record(other))
        #expect(known.needsRefetch && unknown.needsRefetch)
        #expect(known.image.fields["Subject"] == .string("A"))
        #expect(unknown.image.fields.isEmpty && !unknown.image.isComplete)
        let transitions = try #require(try await bench.log().last?.content.transitions)
        #expect(transitions[0] == RecordTransition(id: id, before: known.image, after: known.image))
        #expect(transitions[1] == RecordTransition(id: other, before: nil, after: unknown.image))
        // The whole record comes: nothing is in doubt any more.
        try await bench.ingest(
            try bench.cases.event(
                .undelete, ids: [id.string], counter: 3, changes: ["Subject": .string("B")],
                commitTimestamp: start + 2_000))
        #expect(try await bench.record(id)?.needsRefetch == false)
    }

    @Test func gapDeleteDeletesAtOnce() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(.create, ids: [id.string], counter: 1, commitTimestamp: start),
            try bench.cases.event(.gapDelete, ids: [id.string], counter: 2, commitTimestamp: start))
        #expect(try await bench.record(id)?.isDeleted == true)
        #expect(try await bench.record(id)?.needsRefetch == false)
    }

    /// 2.8
    @Test(arguments: [(ChangeType.gapOverflow, "000000000000000AAA", "overflow"), (.update, "500*", "conversion")])
    func unnamedRecordsMarkTheObjectAndDeclareAGap(_ type: ChangeType, ids: String, reason: String) async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        try await bench.ingest(
            try bench.cases.event(.create, ids: [id.string], counter: 1, commitTimestamp: start),
            try bench.cases.event(type, ids: [ids], counter: 2, commitTimestamp: start),
            try bench.cases.event(
                .update, ids: [id.string], counter: 3, changes: ["Status": .string("X")], commitTimestamp: start))
        #expect(try await bench.record(id)?.needsRefetch == true)
        let gaps = try await bench.gaps()
        #expect(gaps.map(\.reason) == [reason])
        #expect(gaps.map(\.position.rawValue) == [2])
        #expect(recorder.all == [.event(1), .event(2), .gap(reason, 2), .event(3)])
    }

    /// 2.9
    @Test func textDiffIsAppliedOrTheRecordRefetched() async throws {
        let bench = try await TwinBench()
        let old = (1...60).map { "line \($0) of a long text" }.joined(separator: "\r\n")
        let new = old.replacingOccurrences(of: "line 2 of", with: "LINE 2 OF")
        let diff = "--- \n+++ \(sha256(new))\n@@ -2,1 +2,1 @@\n-line 2 of a long text\n+LINE 2 OF a long text"
        for record in [id, other] {
            try await bench.ingest(
                try bench.cases.event(
                    .create, ids: [record.string], counter: record == id ? 1 : 2,
                    changes: ["Description": .string(record == id ? old : "another text")], commitTimestamp: start))
        }
        try await bench.ingest(
            try bench.cases.event(
                .update, ids: [id.string, other.string], counter: 3,
                changes: ["Description": .string(diff), "Status": .string("X")],
                diffs: ["Description"], commitTimestamp: start + 1_000))
        let patched = try #require(try await bench.record(id))
        #expect(patched.image.fields["Description"] == .string(new))
        #expect(patched.image.isComplete && !patched.needsRefetch)
        let failed = try #require(try await bench.record(other))
        #expect(failed.image.fields["Description"] == nil)
        #expect(failed.image.fields["Status"] == .string("X"))
        #expect(!failed.image.isComplete && failed.needsRefetch)
    }

    @Test func undecodableEventIsLoggedWithAGapAndTheStreamGoesOn() async throws {
        let bench = try await TwinBench()
        var cut = try bench.cases.event(
            .update, ids: [id.string], counter: 1, changes: ["Status": .string("X")], commitTimestamp: start)
        cut.payload = try #require(cut.payload.getSlice(at: 0, length: cut.payload.readableBytes - 3))
        var unknown = try bench.cases.event(
            .update, ids: [id.string], counter: 2, changes: ["Status": .string("Y")], commitTimestamp: start)
        unknown.schemaID = SchemaID("AAAAAAAAAAAAAAAAAAAAAA")
        var garbage = unknown
        garbage.replayID = ReplayID(counter: 3)
        garbage.payload = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF])
        try await bench.ingest(
            cut, unknown, garbage,
            try bench.cases.event(
                .create, ids: [id.string], counter: 4, changes: ["Status": .string("Z")], commitTimestamp: start))
        let log = try await bench.log()
        #expect(log.map(\.content.eventName) == ["CaseChangeEvent", "CaseChangeEvent", "", "CaseChangeEvent"])
        #expect(log.map { $0.content.routing?.header.recordIDs } == [[id.string], [id.string], nil, [id.string]])
        #expect(
            log.map(\.content.event.payload) == [
                cut.payload, unknown.payload, garbage.payload, log[3].content.event.payload,
            ])
        #expect(log.map(\.content.transitions.count) == [1, 1, 0, 1])
        #expect(log[0].content.transitions[0].after?.isComplete == false)
        let gaps = try await bench.gaps()
        #expect(gaps.map(\.reason) == ["undecodable", "undecodable", "undecodable"])
        #expect(gaps.map(\.position.rawValue) == [1, 2, 3])
        #expect(try await bench.record(id)?.image.fields["Status"] == .string("Z"))
    }

    @Test func redeliveredEventChangesNothing() async throws {
        let bench = try await TwinBench()
        let events = [
            try bench.cases.event(
                .create, ids: [id.string], counter: 1, changes: ["Status": .string("A")], commitTimestamp: start),
            try bench.cases.event(
                .update, ids: [id.string], counter: 2, changes: ["Status": .string("B")], commitTimestamp: start),
        ]
        try await bench.ingest(events[0], events[1])
        let before = try await bench.record(id)
        try await bench.ingest(events[0], latest: 2)
        try await bench.ingest(events[0], events[1])
        #expect(try await bench.log().count == 2)
        #expect(try await bench.record(id) == before)
    }

    /// Split, enriched events repeat one replay id: they are different events. So is one with another event id.
    @Test("loss trap: events are told apart by their replay id alone")
    func sameReplayIDWithOtherRecordsIsAnotherEvent() async throws {
        let bench = try await TwinBench()
        let split = try [id, other].map {
            try bench.cases.event(
                .update, ids: [$0.string], counter: 7, changes: ["Status": .string("A")], commitTimestamp: start,
                transactionKey: "tx",
                eventID: "one")
        }
        try await bench.ingest(split[0], split[1])
        try await bench.ingest(split[1], split[0])
        #expect(try await bench.log().count == 2)
        var later = split[0]
        later.eventID = "two"
        try await bench.ingest(later)
        #expect(try await bench.log().count == 3)
        var elsewhere = split[0]
        elsewhere.topic = "/data/ChangeEvents"
        try await bench.twin.ingest(
            ReceivedBatch(topic: "/data/ChangeEvents", events: [elsewhere], latestReplayID: nil))
        #expect(try await bench.log().count == 4)
    }

    @Test func olderEventDoesNotOverwriteButFillsWhatIsUnknown() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(
            try bench.cases.event(
                .update, ids: [id.string], counter: 5, changes: ["Status": .string("new")],
                commitTimestamp: start + 60_000))
        for (counter, type) in [(1, ChangeType.create), (2, .update), (3, .delete)] {
            try await bench.ingest(
                try bench.cases.event(
                    type, ids: [id.string], counter: UInt64(counter),
                    changes: type == .delete ? [:] : ["Status": .string("old"), "Subject": .string("S\(counter)")],
                    commitTimestamp: start))
        }
        let row = try #require(try await bench.record(id))
        #expect(!row.isDeleted)
        #expect(row.image.fields["Status"] == .string("new"))
        #expect(row.image.fields["Subject"] == .string("S1"))
        #expect(row.commitTimestamp == start + 60_000)
        #expect(row.needsRefetch)
    }

    @Test func untrackedObjectIsLoggedWithoutImages() async throws {
        let bench = try await TwinBench { $0.trackedEntities = ["Account"] }
        try await bench.ingest(try bench.cases.event(.create, ids: [id.string], counter: 1, commitTimestamp: start))
        #expect(try await bench.record(id) == nil)
        #expect(try await bench.log().map(\.content.transitions.count) == [0])
        #expect(try await bench.log().first?.content.routing?.header.entityName == "Case")
    }

    @Test func keepaliveMovesTheCursorOnly() async throws {
        let bench = try await TwinBench()
        try await bench.ingest(latest: 41)
        #expect(try await bench.cursor() == ReplayID(counter: 41))
        #expect(try await bench.log().isEmpty)
    }

    @Test func schemaIsKeptAndReadBack() async throws {
        let bench = try await TwinBench()
        let again = try await Twin(store: bench.twin.store, configuration: .init(), logger: bench.twin.logger)
        #expect(try await again.schema(bench.cases.schema.id)?.recordName == "CaseChangeEvent")
        #expect(try await again.schema(SchemaID("unknown")) == nil)
        try await bench.twin.store.write { try $0.saveSchema(SchemaID("broken"), json: "{") }
        await #expect { _ = try await again.schema(SchemaID("broken")) } throws: {
            ($0 as? StoreError)?.code == .corrupt
        }
    }
}
