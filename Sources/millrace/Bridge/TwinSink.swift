import ChangeEvents
import Foundation
import Store
import Twin
import Upstream

/// Upstream's sink, connected to the twin.
///
/// `receive` returns when the events are durable, and Upstream counts what it has asked for and what is not durable yet
/// against `room`: so a slow twin is asked of less, and the memory of events on their way has a bound.
struct TwinSink: EventSink {
    /// Events of one topic that may be on their way or not durable yet: 100 (the most the Pub/Sub API leaves outstanding)
    /// travel while 100 are being stored.
    static let eventsPerTopicMax = 200

    var twin: Twin

    /// When the topic's last keepalive came: milliseconds since 1970.
    static func heardKey(_ topic: String) -> String { "gateway.heard.\(topic)" }

    func room(for topic: String) async throws -> Int { Self.eventsPerTopicMax }

    func cursor(for topic: String) async throws -> ReplayID? {
        try await twin.store.read { reader in try reader.cursor(topic: topic) }
    }

    func knowsSchema(_ id: SchemaID) async throws -> Bool {
        try await twin.schema(id) != nil
    }

    func learn(_ schema: EventSchema) async throws {
        try await twin.learn(schema)
    }

    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws {
        try await twin.ingest(ReceivedBatch(topic: topic, events: events, latestReplayID: latestReplayID))
        guard events.isEmpty else { return }
        // A keepalive whose place is the one before leaves SQLite's file as it was, and by the file one shall see when the org
        // was heard last (`Lag`).
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        try await twin.store.write { try $0.setState(Self.heardKey(topic), to: Array("\(now)".utf8)) }
    }

    func declareGap(topic: String, reason: String) async throws {
        try await twin.declareGap(topic: topic, reason: reason)
    }
}
