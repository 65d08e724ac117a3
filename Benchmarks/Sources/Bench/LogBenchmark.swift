import ChangeEvents
import Foundation
import NIOCore
import Store

/// Appending to the log and reading it, against a bare loop over SQLite's C interface with the same rows, the same tables and
/// indexes and the same settings, in the same run.
///
/// `bench log [--events N]`: N events for batches of 10 and 100 (default 20,000), a tenth of them one by one.
func runLogBenchmark(arguments: [String]) async throws {
    var count = 20_000
    if let index = arguments.firstIndex(of: "--events"), index + 1 < arguments.count,
        let given = Int(arguments[index + 1])
    {
        count = given
    }
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-bench-\(UUID().uuidString)")
        .path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    print(
        "log: events with \(LogBenchmark.fieldCount) fields, before and after image, payload of \(LogBenchmark.payloadBytes) bytes"
    )
    for durability in [SQLiteStore.Durability.full, .normal] {
        for batch in [1, 10, 100] {
            let benchmark = LogBenchmark(
                directory: directory + "/\(durability)-\(batch)", durability: durability, batch: batch,
                count: batch == 1 ? count / 10 : count)
            try await benchmark.run()
        }
    }
}

/// One durability and one batch size: append and read, Millrace and bare C.
struct LogBenchmark {
    static let fieldCount = 40
    static let payloadBytes = 420
    static let chunk = 500

    let directory: String
    let durability: SQLiteStore.Durability
    let batch: Int
    let count: Int

    func run() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/store.sqlite"
        let store = try SQLiteStore(path: path, durability: durability)
        let events = (1...count).map(Self.event)
        let append = try await rate {
            for start in stride(from: 0, to: events.count, by: batch) {
                let slice = Array(events[start..<min(start + batch, events.count)])
                try await store.write { writer in for event in slice { _ = try writer.append(event) } }
            }
        }
        let read = try await rate {
            var place = Position.start
            while true {
                let after = place
                let chunk = try await store.read {
                    try $0.events(after: after, selection: .all, limit: Self.chunk, bytesMax: .max)
                }
                guard let last = chunk.last else { return }
                place = last.position
            }
        }
        try await store.close()
        let bare = try BareLog(copying: path, to: directory + "/bare.sqlite", isFull: durability == .full)
        let bareAppend = try await rate { try bare.append(batch: batch) }
        let bareRead = try await rate { try bare.read() }
        bare.close()
        report("append, \(durability), batches of \(batch)", append, bareAppend)
        report("read after it, chunks of \(Self.chunk)", read, bareRead)
    }

    private func rate(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    private func report(_ name: String, _ rate: Double, _ bare: Double) {
        func whole(_ rate: Double) -> String { String(Int(rate.rounded())) }
        let ratio = String(format: "%.2f", bare / rate)
        print("log: \(name): \(whole(rate)) events/s, bare C \(whole(bare)), time ratio \(ratio)")
    }

    private static func event(_ number: Int) -> NewEvent {
        var suffix = String(number, radix: 36)
        suffix = String(repeating: "0", count: 12 - suffix.count) + suffix
        guard let id = RecordID("500" + suffix) else { preconditionFailure("15 letters and digits are a record id") }
        var fields: [String: FieldValue] = [:]
        for index in 0..<fieldCount {
            fields["Field_\(index)__c"] =
                switch index % 4 {
                case 0: .string("value \(number) of \(index)")
                case 1: .null
                case 2: .double(Double(number) / 7)
                default: .dateTime(milliseconds: 1_700_000_000_000 + Int64(number))
                }
        }
        let before = RecordImage(entity: "Case", id: id, fields: fields, isComplete: true)
        var after = before
        after.fields["Field_0__c"] = .string("changed")
        after.fields["LastModifiedDate"] = .dateTime(milliseconds: 1_700_000_000_000)
        let header = ChangeEventHeader(
            entityName: "Case", recordIDs: [id.string], changeType: .update,
            changeOrigin: "com/salesforce/api/rest/66.0;client=bench",
            transactionKey: "0001aaaa-0000-0000-0000-\(suffix)",
            sequenceNumber: 1, commitTimestamp: 1_700_000_000_000 + Int64(number),
            commitNumber: 12_279_648_331_300 + Int64(number),
            commitUser: "005Dp000000PpjsIAC", changedFields: ["0x800002"])
        return NewEvent(
            event: ReceivedEvent(
                topic: "/data/ChangeEvents", replayID: ReplayID(counter: UInt64(number)),
                eventID: "366d9355-f1bc-4650-b321-\(suffix)", schemaID: SchemaID("i8wgJwwM-AVcDbFkbRl5Nw"),
                payload: ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: payloadBytes)),
            eventName: "CaseChangeEvent",
            routing: EventRouting(header: header, changedFields: ["Field_0__c", "LastModifiedDate"]),
            transitions: [RecordTransition(id: id, before: before, after: after)], receivedAt: 1_700_000_000_000)
    }
}
