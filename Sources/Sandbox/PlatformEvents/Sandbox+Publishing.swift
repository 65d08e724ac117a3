import NIOCore
import ChangeEvents
public import Doors
import Foundation
import Logging
import Store
import Twin

extension Sandbox {
    /// Publishing here is immediate, whatever the event's definition says, and the answer is what became of it.
    public func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer {
        let schema = self.schema
        guard topic.hasPrefix("/event/"), let event = schema.catalogue.event(String(topic.dropFirst("/event/".count))),
            topic == "/event/\(event.name)", event.isWritable, let current = schema.eventSchemas[event.name]
        else {
            guard isTopic(topic) else { throw Self.topicUnknown(topic) }
            throw EventBusError(code: .permissionDenied, message: "The topic \(topic) can't be published to.")
        }
        guard !events.isEmpty else {
            throw EventBusError(code: .requestInvalid, message: "A publish request must have at least one event.")
        }
        let judged = try await judged(events, event, current: current)
        let granted = eventUsage.reservePublishing(judged.count { $0.refusal == nil })
        var left = granted
        var pending: [PendingEvent] = []
        var results: [PublishAnswer.Result] = []
        for candidate in judged {
            var refusal = candidate.refusal
            if refusal == nil {
                if left > 0 { left -= 1 } else { refusal = OrgError.publishLimitExceeded().message }
            }
            if refusal == nil { pending.append(candidate.event) }
            results.append(
                PublishAnswer.Result(replayID: nil, message: refusal, correlationKey: candidate.event.id))
        }
        let ids = try await append(pending)
        var next = ids.makeIterator()
        for index in results.indices where results[index].message == nil { results[index].replayID = next.next() }
        eventUsage.published(PendingEvent.counts(pending), client: EventUsage.pubSubClient)
        await saveEventUsage()
        return PublishAnswer(results: results, schemaID: current.id.string)
    }

    /// Publishes what outlived its transaction.
    func publishSurvivors(of outbox: EventOutbox) async {
        let survivors = outbox.takeSurvivors()
        guard !survivors.isEmpty else { return }
        do {
            _ = try await append(survivors)
            eventUsage.published(PendingEvent.counts(survivors), client: outbox.client)
        } catch {
            logger.error("events of a failed transaction could not be published", metadata: ["error": "\(error)"])
        }
    }

    static func topicUnknown(_ topic: String) -> EventBusError {
        EventBusError(
            code: .topicNotFound, message: "The topic \(topic) does not exist, or you don't have permission to it.")
    }

    private struct Judged: Sendable {
        var event: PendingEvent
        var refusal: String?
    }

    /// Each event, with what is wrong with it.
    private func judged(
        _ events: [ProducedEvent], _ event: ObjectDefinition, current: EventSchema
    ) async throws(EventBusError) -> [Judged] {
        let cache = schemaCache
        return try await readingBus { reader in
            try events.map { produced in
                let schemaID = SchemaID(produced.schemaID)
                let pending = PendingEvent(
                    name: event.name, id: produced.id.isEmpty ? EventUUID.random() : produced.id,
                    schemaID: schemaID, payload: produced.payload)
                guard produced.payload.readableBytes <= ChangeCapture.eventBytesMax else {
                    return Judged(event: pending, refusal: "The event is larger than the maximum of 1 MB.")
                }
                // An older schema of the same event is as good as the newest.
                let known = schemaID == current.id ? current : try cache.entry(schemaID, reader)?.schema
                guard let known, known.recordName == event.name else {
                    return Judged(
                        event: pending,
                        refusal: "Schema validation failed. The schema ID isn't one of \(event.name).")
                }
                do throws(AvroError) {
                    let values = try known.values(of: produced.payload)
                    let message = PlatformMessage(event: event, schema: known)
                    return Judged(event: pending, refusal: message.refusal(of: values))
                } catch {
                    return Judged(
                        event: pending, refusal: "The payload doesn't fit its schema: \(error.message)")
                }
            }
        }
    }

    private func append(_ pending: [PendingEvent]) async throws(EventBusError) -> [ReplayID] {
        guard !pending.isEmpty else { return [] }
        let clock = configuration.clock
        do {
            return try await twin.commit { writer in
                var counters = try OrgCounters.read(writer)
                let ids = try PendingEvent.append(pending, counters: &counters, into: writer, receivedAt: clock())
                try counters.write(writer)
                return ids
            }
        } catch {
            eventUsage.returnPublishing(pending.count)
            logger.error("events could not be stored", metadata: ["error": "\(error)"])
            throw EventBusError(code: .unavailable, message: "The service is temporarily unavailable.")
        }
    }
}
