import ChangeEvents
import Foundation
import Logging
import NIOCore
import Store
import Twin

/// Change events of a replicated object, from Avro to the disk: decoded, applied to their records with both images, appended to
/// the log, the cursor moved, all durable before the next batch.
///
/// `bench apply [--events N] [--batch N] [--records N] [--postgres URL]`: N events (default 50,000) in batches (default 100, what
/// the org's bus sends at most at once) about so many records (default 10,000) of 24 fields, of which an event changes 4; one in
/// ten makes a record. The store is a file of SQLite's, synchronised to the disk, or an empty database. By the clock and by the
/// process's processor time, the server's not among it.
func runApplyBenchmark(arguments: [String]) async throws {
    var (count, batch, records) = (50_000, 100, 10_000)
    var url: String?
    var rest = arguments[...]
    while let option = rest.popFirst() {
        guard let value = rest.popFirst() else { throw UsageError() }
        switch (option, Int(value)) {
        case ("--events", let number?): count = number
        case ("--batch", let number?): batch = number
        case ("--records", let number?): records = number
        case ("--postgres", _): url = value
        default: throw UsageError()
        }
    }
    let store: any EventStore =
        if let url { try await PostgresStore.open(url) } else { try SQLiteStore.temporary(durability: .full) }
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    let benchmark = ApplyBenchmark(
        twin: try await Twin(store: store, configuration: .init(), logger: logger), schema: try ApplyEvents.schema(),
        records: records)
    try await benchmark.load()
    let batches = try stride(from: 0, to: count, by: batch).map {
        try benchmark.batch($0..<min($0 + batch, count))
    }
    let (start, processor) = (ContinuousClock.now, processorSeconds())
    for batch in batches { try await benchmark.twin.ingest(batch) }
    let (elapsed, used) = ((ContinuousClock.now - start) / .seconds(1), processorSeconds() - processor)
    try await benchmark.check(count)
    try await store.close()
    func rate(_ seconds: Double) -> Int { Int((Double(count) / seconds).rounded()) }
    print(
        "apply: \(url == nil ? "SQLite" : "PostgreSQL"), \(count) events in batches of \(batch): \(rate(elapsed)) events/s, "
            + "\(rate(used)) per second of the process's own time")
}

private struct ApplyBenchmark {
    let twin: Twin
    let schema: EventSchema
    let records: Int

    private static let loadedAtOnce = 1_000

    func load() async throws {
        try await twin.learn(schema)
        try await twin.commit { writer in
            try writer.define(ApplyEvents.table)
            for first in stride(from: 0, to: records, by: Self.loadedAtOnce) {
                try writer.load(
                    (first..<min(first + Self.loadedAtOnce, records)).map { number in
                        StoredRecord(
                            image: RecordImage(
                                entity: "Case", id: ApplyEvents.id(number),
                                fields: RecordFields(ApplyEvents.values(number)),
                                isComplete: true), isDeleted: false, commitTimestamp: 0, needsRefetch: false)
                    })
            }
        }
    }

    func batch(_ numbers: Range<Int>) throws -> ReceivedBatch {
        let events = try numbers.map { number in
            let makes = number % 10 == 9
            let record = makes ? records + number : number &* 7_919 % records
            let values = makes ? ApplyEvents.values(record) : ApplyEvents.changes(number)
            let header = ChangeEventHeader(
                entityName: "Case", recordIDs: [ApplyEvents.id(record).string], changeType: makes ? .create : .update,
                changeOrigin: "com/salesforce/api/rest/66.0;client=bench",
                transactionKey: String(format: "t-%09d", number),
                sequenceNumber: 1, commitTimestamp: 1_700_000_000_000 + Int64(number),
                commitNumber: 1_000_000_000 + Int64(number), commitUser: "005000000000001AAA",
                changedFields: makes ? [] : try schema.bitmap(ofNames: values.keys.sorted()))
            return ReceivedEvent(
                topic: ApplyEvents.topic, replayID: ReplayID(counter: UInt64(1_000 + number)), eventID: "e-\(number)",
                schemaID: schema.id, payload: try schema.encode(header: header, values: values))
        }
        return ReceivedBatch(topic: ApplyEvents.topic, events: events, latestReplayID: events.last?.replayID)
    }

    /// What it measured has happened.
    func check(_ count: Int) async throws {
        let last = (0..<count).last { $0 % 10 != 9 } ?? 0
        let (head, record) = try await twin.store.read { reader in
            (try reader.head(), try reader.record(entity: "Case", id: ApplyEvents.id(last &* 7_919 % records)))
        }
        precondition(head.rawValue == Int64(count), "\(head.rawValue) events in the log")
        let expected = ApplyEvents.changes(last)["Subject"]
        precondition(record?.image.fields["Subject"] == expected, "the last update is not in its record")
    }
}

/// An object of 24 fields and its events.
enum ApplyEvents {
    static let topic = "/data/CaseChangeEvent"
    static let texts = (1...12).map { "Text\($0)__c" } + ["Subject", "Status"]
    static let numbers = (1...5).map { "Amount\($0)__c" }
    static let times = ["CreatedDate", "LastModifiedDate", "ClosedDate"]

    static let table = ObjectTable(
        entity: "Case",
        columns: texts.map { .init($0, .text) } + numbers.map { .init($0, .double) }
            + times.map { .init($0, .dateTime) }
            + [.init("ContactId", .identifier), .init("SystemModstamp", .dateTime, isIndexed: true)])

    static func id(_ number: Int) -> RecordID {
        let digits = String(number)
        guard let id = RecordID("500" + String(repeating: "0", count: 12 - digits.count) + digits) else {
            preconditionFailure("15 letters and digits are a record id")
        }
        return id
    }

    static func values(_ number: Int) -> [String: FieldValue] {
        var values: [String: FieldValue] = [:]
        for name in texts { values[name] = .string("\(name) of \(number)") }
        for (index, name) in numbers.enumerated() { values[name] = .double(Double(number * 10 + index) / 4) }
        for name in times { values[name] = .dateTime(milliseconds: 1_700_000_000_000 + Int64(number) * 1_000) }
        values["ContactId"] = .string("003000000000001AAA")
        return values
    }

    static func changes(_ number: Int) -> [String: FieldValue] {
        [
            "Subject": .string("changed by \(number)"), "Status": .string("Working \(number % 10)"),
            "Amount1__c": .double(Double(number)),
            "LastModifiedDate": .dateTime(milliseconds: 1_710_000_000_000 + Int64(number) * 1_000),
        ]
    }

    static func schema() throws -> EventSchema {
        func field(_ name: String, _ type: String, _ doc: String) -> String {
            #"{"name":"\#(name)","type":["null","\#(type)"],"doc":"Data:\#(doc)","default":null}"#
        }
        let fields =
            texts.map { field($0, "string", "Text") } + numbers.map { field($0, "double", "Double") }
            + times.map { field($0, "long", "DateTime") } + [field("ContactId", "string", "EntityId")]
        return try EventSchema(json: PushBenchmarkEvents.schemaText(fields: fields))
    }
}
