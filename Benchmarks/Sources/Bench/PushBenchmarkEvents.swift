import ChangeEvents
import Foundation
import NIOCore
import Synchronization
import Twin

/// What is published in a row: events by number.
struct Publication: Sendable {
    var numbers: Range<Int>
    /// Events in one batch per interval.
    var burst: Int
    var interval: Duration
    /// Of an event's Avro payload, as the org sends it. Smaller than an event can be: as small as it can be.
    var bytes: Int
    var parts: Int
}

/// Changes of cases that carry when they were handed over and their number, `@NANOSECONDS#NUMBER@` in the description, for the
/// reader to look at; the rest of the description makes the size.
struct PushBenchmarkEvents: Sendable {
    static let channel = "/data/CaseChangeEvent"

    let schema: EventSchema
    private let wideNames: [String]
    /// Of an event without what fills it.
    private var bareBytes = 0

    /// - Parameter wide: short fields that each event has beside the others.
    init(wide: Int) throws {
        wideNames = Self.wideNames(wide)
        schema = try EventSchema(json: Self.schemaText(wideNames))
        bareBytes = try payload(number: 0, part: 0, fillBytes: 0).readableBytes
    }

    func batch(_ numbers: Range<Int>, of publication: Publication) throws -> ReceivedBatch {
        let events = try numbers.map { number in
            let part = number % publication.parts
            let fill = max(0, publication.bytes - bareBytes)
            var payload = try payload(number: number, part: part, fillBytes: fill)
            // The length of a longer text takes more bytes itself.
            let excess = payload.readableBytes - publication.bytes
            if fill > 0, excess > 0 { payload = try self.payload(number: number, part: part, fillBytes: fill - excess) }
            return ReceivedEvent(
                topic: Self.channel, replayID: ReplayID(counter: UInt64(1_000_000 + number)), eventID: "e-\(number)",
                schemaID: schema.id, payload: payload)
        }
        return ReceivedBatch(topic: Self.channel, events: events, latestReplayID: events.last?.replayID)
    }

    static func wideNames(_ count: Int) -> [String] { (0..<count).map { "Field\($0)__c" } }

    /// Each part has a record of its own, so that none moves from part to part.
    private func payload(number: Int, part: Int, fillBytes: Int) throws -> ByteBuffer {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let stamp = String(
            format: "@%019ld#%09ld@", Int(now.tv_sec) * 1_000_000_000 + Int(now.tv_nsec), number)
        var values: [String: FieldValue] = [
            "Status": .string("Working \(number % 10)"), "ContactId": .string(MatchWorkload.id("003", 0)),
            "Part__c": .string("part \(part % 10)"), "Amount__c": .double(1),
            "Description": .string(stamp + String(repeating: "x", count: fillBytes)),
        ]
        for name in wideNames { values[name] = .string("v") }
        let header = ChangeEventHeader(
            entityName: "Case", recordIDs: [MatchWorkload.id("500", part)], changeType: .update, changeOrigin: "",
            transactionKey: String(format: "t-%09d", number), sequenceNumber: 1, commitTimestamp: 1_700_000_000_000,
            commitNumber: 1_000_000_000 + Int64(number), commitUser: MatchWorkload.id("005", 0),
            changedFields: try schema.bitmap(ofNames: values.keys.sorted()))
        return try schema.encode(header: header, values: values)
    }

    private static func schemaText(_ wideNames: [String]) -> String {
        let texts = ["Status", "ContactId", "Part__c", "Description"] + wideNames
        let amount = #"{"name":"Amount__c","type":["null","double"],"doc":"Data:Double","default":null}"#
        return schemaText(
            fields: [amount]
                + texts.map { #"{"name":"\#($0)","type":["null","string"],"doc":"Data:Text","default":null}"# })
    }

    /// A change event of cases whose fields are these.
    static func schemaText(fields: [String]) -> String {
        """
        {"type":"record","name":"CaseChangeEvent","namespace":"com.sforce.eventbus","fields":[
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE","DELETE","UNDELETE",
        "GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
        {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
        {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]},"doc":"Data:ComplexValueType"},
        \(fields.joined(separator: ",\n"))]}
        """
    }
}

/// The org's side: a thread that makes and hands over a batch each interval. What it costs is known, because it is not the
/// server's.
final class PushBenchmarkPacing: Sendable {
    private let events: PushBenchmarkEvents
    private let nanoseconds = Atomic<UInt64>(0)

    init(events: PushBenchmarkEvents) {
        self.events = events
    }

    /// Of the thread, when the stream has ended.
    var processorSeconds: Double { Double(nanoseconds.load(ordering: .acquiring)) / 1e9 }

    /// Called once. Ends an interval after the last batch.
    func batches(_ publication: Publication) -> AsyncThrowingStream<ReceivedBatch, any Error> {
        let (stream, arrivals) = AsyncThrowingStream.makeStream(of: ReceivedBatch.self, throwing: (any Error).self)
        let thread = Thread {
            let failure = Result { try self.pace(publication, into: arrivals) }
            var used = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
            self.nanoseconds.store(UInt64(used.tv_sec) * 1_000_000_000 + UInt64(used.tv_nsec), ordering: .releasing)
            switch failure {
            case .success: arrivals.finish()
            case .failure(let error): arrivals.finish(throwing: error)
            }
        }
        thread.start()
        return stream
    }

    private func pace(
        _ publication: Publication, into arrivals: AsyncThrowingStream<ReceivedBatch, any Error>.Continuation
    ) throws {
        let start = Date()
        let all = publication.numbers
        for (turn, first) in stride(from: all.lowerBound, to: all.upperBound, by: publication.burst).enumerated() {
            arrivals.yield(
                try events.batch(first..<min(first + publication.burst, all.upperBound), of: publication))
            Thread.sleep(until: start.addingTimeInterval(publication.interval / .seconds(1) * Double(turn + 1)))
        }
    }
}
