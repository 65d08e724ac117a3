import ChangeEvents
import Doors
import Foundation
import Store
import Synchronization

/// Generic and PushTopic events: made inside the transaction that causes them, kept in the log under their channel with a
/// schema of our own.
///
/// Active topics are kept compiled between transactions. They are read and forgotten on the store's own thread only, one
/// transaction at a time. What a transaction that changes topics sees is its own affair until it commits, so it keeps
/// nothing: the next one reads the store.
final class LegacyStreaming: Sendable {
    /// How long such events can be replayed.
    static let retentionMilliseconds: Int64 = 24 * 3_600 * 1_000

    let schema: EventSchema
    /// Compiled against this version of the org's objects; nil: not read yet, or no longer certain.
    private let topics = Mutex<(schemaVersion: UInt64?, topics: [PushTopic])?>(nil)

    init() throws(SandboxError) {
        do {
            schema = try EventSchema(json: LegacyEvent.schemaJSON)
        } catch {
            throw SandboxError(code: .schema, message: "the schema of legacy events does not parse", cause: error)
        }
    }

    static func isLegacy(_ channel: String) -> Bool { channel.hasPrefix("/topic/") || channel.hasPrefix("/u/") }

    /// Tells the topics' subscribers what the transaction did.
    func publish(_ transaction: OrgTransaction, into writer: any StoreWriter, receivedAt: Int64) throws {
        guard !transaction.changes.isEmpty else { return }
        let changesTopics = transaction.changes.contains { $0.object.name == ObjectDefinition.pushTopic.name }
        if changesTopics { forget() }
        let active = try topics(writer, transaction, isKept: !changesTopics)
        guard !active.isEmpty else { return }
        for change in transaction.changes {
            for topic in active {
                guard let event = try topic.event(of: change, now: receivedAt) else { continue }
                try append(event, to: topic.channel, transaction, into: writer, receivedAt: receivedAt)
            }
        }
    }

    func append(
        _ event: LegacyEvent, to channel: String, _ transaction: OrgTransaction, into writer: any StoreWriter,
        receivedAt: Int64
    ) throws {
        let replayID = transaction.counters.nextReplayID(skipping: 0)
        try BusHead.keepPlace(writer)
        _ = try writer.append(
            NewEvent(
                event: ReceivedEvent(
                    topic: channel, replayID: replayID, eventID: EventUUID.random(), schemaID: schema.id,
                    payload: try schema.encode(values: event.values)),
                eventName: schema.recordName, routing: nil, transitions: [], receivedAt: receivedAt))
        try BusHead.write(replayID, writer)
    }

    /// The compiled topics are no longer certain.
    func forget() { topics.withLock { $0 = nil } }

    private func topics(
        _ reader: any StoreReader, _ transaction: OrgTransaction, isKept: Bool
    ) throws -> [PushTopic] {
        let version = transaction.counters.schemaVersion
        if let known = topics.withLock({ $0 }), known.schemaVersion == version { return known.topics }
        let catalogue = transaction.catalogue
        let read = try StreamingRules.all(.pushTopic, reader).compactMap { PushTopic($0.image, catalogue: catalogue) }
        if isKept { topics.withLock { $0 = (version, read) } }
        return read
    }
}
