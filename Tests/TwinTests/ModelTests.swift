import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// The true records of an org, as a dictionary, and random changes of them with the events that they make.
private struct ModelOrg {
    struct Record {
        var fields: [String: FieldValue]
        var isDeleted = false
        /// The twin has seen a CREATE or UNDELETE of it.
        var isWhole: Bool
        /// What the twin has been told, where it has not seen the whole.
        var told: [String: FieldValue] = [:]
    }

    let cases: CaseEvents
    var random: SeededRandom
    var records: [RecordID: Record] = [:]
    var counter: UInt64 = 0
    var time: Int64 = 1_700_000_000_000

    init(cases: CaseEvents, random: SeededRandom) {
        self.cases = cases
        self.random = random
        // Some records are older than the subscription: their CREATE never comes.
        for number in 0..<5 { records[.test("500", 900 + number)] = Record(fields: randomFields(), isWhole: false) }
    }

    private mutating func randomFields() -> [String: FieldValue] {
        var fields: [String: FieldValue] = [:]
        for name in CaseEvents.fieldNames {
            fields[name] = random.chance(0.3) ? .null : randomValue(name)
        }
        return fields
    }

    private mutating func randomValue(_ name: String) -> FieldValue {
        switch name {
        case "IsClosed": .boolean(random.chance(0.5))
        case "LastModifiedDate": .dateTime(milliseconds: Int64(random.int(0..<1_000_000)))
        default: .string("\(name) \(random.int(0..<50))")
        }
    }

    /// The next committed change; whole seconds, often the same one.
    mutating func nextEvent() throws -> ReceivedEvent {
        counter += UInt64(random.int(1..<4))
        time += Int64(random.int(0..<4)) * 1_000
        let live = records.filter { !$0.value.isDeleted }.map(\.key).sorted { $0.string < $1.string }
        let dead = records.filter { $0.value.isDeleted }.map(\.key).sorted { $0.string < $1.string }
        switch random.int(0..<10) {
        case 0: return try create()
        case 2 where !live.isEmpty: return try delete(Array(live.shuffled(using: &random).prefix(random.int(1..<3))))
        case 3 where !dead.isEmpty: return try undelete(random.pick(dead))
        default:
            if live.isEmpty { return try create() }
            return try update(Array(live.shuffled(using: &random).prefix(random.chance(0.2) ? 4 : 1)))
        }
    }

    private mutating func create() throws -> ReceivedEvent {
        let id = RecordID.test("500", records.count)
        let fields = randomFields()
        records[id] = Record(fields: fields, isWhole: true)
        return try cases.event(.create, ids: [id.string], counter: counter, changes: fields, commitTimestamp: time)
    }

    private mutating func delete(_ ids: [RecordID]) throws -> ReceivedEvent {
        for id in ids { records[id]?.isDeleted = true }
        return try cases.event(.delete, ids: ids.map(\.string), counter: counter, commitTimestamp: time)
    }

    private mutating func undelete(_ id: RecordID) throws -> ReceivedEvent {
        records[id]?.isDeleted = false
        records[id]?.isWhole = true
        return try cases.event(
            .undelete, ids: [id.string], counter: counter, changes: records[id]?.fields ?? [:], commitTimestamp: time)
    }

    private mutating func update(_ ids: [RecordID]) throws -> ReceivedEvent {
        var changes: [String: FieldValue] = [:]
        var nulled: [String] = []
        for name in CaseEvents.fieldNames where random.chance(0.35) {
            if random.chance(0.3) { nulled.append(name) } else { changes[name] = randomValue(name) }
        }
        if changes.isEmpty, nulled.isEmpty { nulled = ["Priority"] }
        var all = changes
        for name in nulled { all[name] = .null }
        for id in ids {
            records[id]?.fields.merge(all) { $1 }
            records[id]?.told.merge(all) { $1 }
        }
        return try cases.event(
            .update, ids: ids.map(\.string), counter: counter, changes: changes, nulled: nulled, commitTimestamp: time)
    }

    /// What the twin should know of a record now; nil: not there (or not there any more).
    func expected(_ id: RecordID) -> RecordImage? {
        guard let record = records[id], !record.isDeleted else { return nil }
        if record.isWhole { return RecordImage(entity: "Case", id: id, fields: record.fields, isComplete: true) }
        return record.told.isEmpty ? nil : RecordImage(entity: "Case", id: id, fields: record.told, isComplete: false)
    }
}

@Suite struct ModelTests {
    @Test(.timeLimit(.minutes(5)), arguments: 0..<6)
    func twinEqualsTheOrg(_ run: Int) async throws {
        var random = SeededRandom()
        if run > 0 { random = SeededRandom(seed: random.seed &+ UInt64(run)) }
        let seed = random.seed
        print("ModelTests: MILLRACE_SEED=\(seed)")
        let bench = try await TwinBench()
        var org = ModelOrg(cases: bench.cases, random: random)
        var events: [ReceivedEvent] = []
        var images: [[RecordTransition]] = []
        while events.count < 300 {
            var batch: [ReceivedEvent] = []
            for _ in 0..<random.int(1..<12) {
                let before = org
                let event = try org.nextEvent()
                let ids = try bench.cases.schema.header(of: event.payload).recordIDs.compactMap { RecordID($0) }
                images.append(
                    ids.map { RecordTransition(id: $0, before: before.expected($0), after: org.expected($0)) })
                batch.append(event)
            }
            // Upstream resumes from an older place now and then: the same events come again before the new ones.
            if random.chance(0.3) { batch = Array(events.suffix(random.int(0..<30))) + batch }
            events += batch.filter { event in !events.contains { $0.replayID == event.replayID } }
            try await bench.twin.ingest(ReceivedBatch(topic: CaseEvents.topic, events: batch, latestReplayID: nil))
        }
        let log = try await bench.log()
        #expect(log.map(\.content.event) == events, "seed \(seed)")
        for (logged, expected) in zip(log, images) {
            #expect(logged.content.transitions == expected, "seed \(seed), position \(logged.position)")
        }
        try await expectRecords(of: org, in: bench, seed: seed)
        #expect(try await bench.cursor() == events.last?.replayID)

        // The log is gone (trimmed by size) and the stream starts again at an older place: the records come to the same end.
        while try await bench.twin.store.write({ try $0.trim(olderThan: .max, bytesMax: nil) }) > 0 {}
        let again = Array(events.suffix(random.int(1..<events.count)))
        try await bench.twin.ingest(ReceivedBatch(topic: CaseEvents.topic, events: again, latestReplayID: nil))
        try await expectRecords(of: org, in: bench, seed: seed)
    }

    private func expectRecords(of org: ModelOrg, in bench: TwinBench, seed: UInt64) async throws {
        let rows = try await bench.twin.store.read { try $0.records(entity: "Case", after: nil, limit: .max) }
        let found = Dictionary(uniqueKeysWithValues: rows.map { ($0.image.id, $0) })
        for id in org.records.keys {
            let live = found[id].flatMap { $0.isDeleted ? nil : $0 }
            #expect(live?.image == org.expected(id), "seed \(seed), \(id)")
            #expect(live.map { $0.needsRefetch || $0.image.isComplete } ?? true, "seed \(seed), \(id)")
        }
        #expect(rows.allSatisfy { org.records[$0.image.id] != nil })
    }
}
