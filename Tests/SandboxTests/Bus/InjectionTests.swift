import ChangeEvents
import Doors
import Foundation
import NIOCore
import Store
import TestSupport
import Testing

@testable import Sandbox

struct InjectionTests {
    /// One captured event as the fixtures have it.
    private struct Captured: Decodable {
        var event_id: String?
        var schema_id: String
        var replay_id_hex: String?
        var payload_hex: String

        func received(on topic: String) throws -> ReceivedEvent {
            ReceivedEvent(
                topic: topic, replayID: ReplayID(bytes: try Self.bytes(replay_id_hex ?? "000000000000002a0000")),
                eventID: event_id ?? "", schemaID: SchemaID(schema_id),
                payload: ByteBuffer(bytes: try Self.bytes(payload_hex)))
        }

        private static func bytes(_ hex: String) throws -> [UInt8] {
            let digits = Array(hex)
            return try stride(from: 0, to: digits.count, by: 2).map { index in
                try #require(UInt8(String(digits[index...index + 1]), radix: 16))
            }
        }
    }

    @Test(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence)))
    func capturedEventsStandOnTheBusAsTheyAre() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        let lines = try Fixtures.text("events/change-events.jsonl").split(separator: "\n")
        var injected: [ReceivedEvent] = []
        for line in lines {
            let event = try JSONDecoder().decode(Captured.self, from: Data(line.utf8)).received(
                on: "/data/AccountChangeEvent")
            let file = "schemas/AccountChangeEvent.\(event.schemaID.string).avsc"
            let exists = FileManager.default.fileExists(
                atPath: try #require(Fixtures.folder).appendingPathComponent(file).path)
            let text = exists ? try Fixtures.text(file) : nil
            try await org.sandbox.inject(schemaJSON: text, event: event)
            injected.append(event)
            if let text { #expect(try await org.sandbox.schemaJSON(event.schemaID.string, caller: org.caller) == text) }
        }
        #expect(injected.count >= 10)
        _ = try await org.create("Case", [])
        #expect(try await org.received("/data/AccountChangeEvent") == injected)
        let all = try await org.received()
        #expect(Array(all.dropFirst().dropLast()) == injected)
        // A foreign replay id is a place like any other.
        let start = try await org.sandbox.start(
            topic: "/data/ChangeEvents", from: .after(injected[3].replayID), caller: org.caller)
        let read = try await org.sandbox.read(topic: "/data/ChangeEvents", after: start, limit: 100, caller: org.caller)
        #expect(read.events.map(\.event) == Array(all.dropFirst(5)))
    }

    @Test func foreignTopicComesIntoBeingAndStays() async throws {
        var org = try await TestOrg.open()
        let topic = "/data/Employee__ChangeEvent"
        await #expect(throws: EventBusError.self) { _ = try await org.sandbox.topic(topic, caller: org.caller) }
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(counter: 7), eventID: "e", schemaID: SchemaID("unknown"),
            payload: ByteBuffer(bytes: [1, 2, 3]))
        try await org.sandbox.inject(schemaJSON: nil, event: event)
        org = try await org.reopened()
        #expect(try await org.sandbox.topic(topic, caller: org.caller).schemaID.isEmpty)
        #expect(try await org.received(topic) == [event])
        #expect(try await org.received() == [event])
        await #expect(throws: EventBusError.self) {
            _ = try await org.sandbox.schemaJSON("unknown", caller: org.caller)
        }
    }
}
