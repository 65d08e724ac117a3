import ChangeEvents
import Foundation
import NIOCore
import Store
import TestSupport
import Testing
@testable import Twin

/// Real events go through the twin and come out as they were.
@Suite(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence)))
struct CapturedEventTests {
    private struct Captured: Decodable {
        var event_id: String?
        var schema_id: String
        /// Nil where the capture did not keep it.
        var replay_id_hex: String?
        var payload_hex: String
    }

    @Test func capturedEventsGoThroughUnchanged() async throws {
        let bench = try await TwinBench()
        let folder = try #require(Fixtures.folder)
        var known: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("schemas").path)
        where file.hasSuffix(".avsc") {
            let schema = try EventSchema(json: try Fixtures.text("schemas/" + file))
            known.insert(schema.id.string)
            try await bench.twin.learn(schema)
        }
        let captured = try Fixtures.text("events/change-events.jsonl").split(separator: "\n").map {
            try JSONDecoder().decode(Captured.self, from: Data($0.utf8))
        }
        let events = try captured.enumerated().map { index, captured in
            ReceivedEvent(
                topic: "/data/ChangeEvents",
                replayID: try captured.replay_id_hex.map { ReplayID(bytes: try bytes($0)) }
                    ?? ReplayID(counter: UInt64(index + 1)),
                eventID: captured.event_id ?? "", schemaID: SchemaID(captured.schema_id),
                payload: ByteBuffer(bytes: try bytes(captured.payload_hex)))
        }
        try await bench.twin.ingest(ReceivedBatch(topic: "/data/ChangeEvents", events: events, latestReplayID: nil))
        let log = try await bench.log()
        #expect(log.map(\.content.event) == events)
        #expect(log.count == 10)
        for logged in log {
            let header = try #require(logged.content.routing?.header, "also of an event whose schema is unknown")
            #expect(logged.content.transitions.count == header.recordIDs.count)
            #expect(logged.content.eventName == header.entityName.replacing("__c", with: "__") + "ChangeEvent")
        }
        #expect(try await bench.gaps().count == captured.filter { !known.contains($0.schema_id) }.count)
        let address = try #require(log.first?.content.transitions.first?.after)
        #expect(address.entity == "Account")
        #expect(address.fields["ShippingStreet"] == .string("101 California St"))
        #expect(log.first?.content.routing?.changedFields.contains("ShippingAddress.Street") == true)
    }

    private func bytes(_ hex: String) throws -> [UInt8] {
        let digits = Array(hex.utf8)
        return try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16))
        }
    }
}
