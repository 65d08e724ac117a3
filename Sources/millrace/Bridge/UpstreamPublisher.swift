import ChangeEvents
import Doors
import Upstream

/// Hands what clients of the gateway publish on to the org, by the connection and the session of the subscription.
struct UpstreamPublisher: EventPublisher {
    var upstream: Upstream

    func schemaID(ofTopic topic: String) async throws(EventBusError) -> String {
        try await asking { try await $0.topic(topic).schemaID?.string ?? "" }
    }

    func schema(_ id: SchemaID) async throws(EventBusError) -> EventSchema {
        try await asking { try await $0.schema(id) }
    }

    func publish(topic: String, events: [ProducedEvent]) async throws(EventBusError) -> PublishAnswer {
        try await asking { client in
            let receipt = try await client.publish(
                events.map { OutgoingEvent(id: $0.id, schemaID: SchemaID($0.schemaID), payload: $0.payload) }, to: topic
            )
            return PublishAnswer(
                results: receipt.results.map {
                    PublishAnswer.Result(replayID: $0.replayID, message: $0.refusal, correlationKey: $0.correlationKey)
                }, schemaID: receipt.schemaID.string)
        }
    }

    private func asking<T>(_ body: (PubSubClient) async throws -> T) async throws(EventBusError) -> T {
        guard let client = upstream.client else {
            throw EventBusError(code: .unavailable, message: "The gateway is not connected to the org.")
        }
        do {
            return try await body(client)
        } catch let error as UpstreamError {
            // The org's own words, where it has said any.
            throw EventBusError(code: error.busCode, message: error.reason ?? error.message)
        } catch {
            throw EventBusError(code: .unavailable, message: "The call was given up.")
        }
    }
}

extension UpstreamError {
    fileprivate var busCode: EventBusError.Code {
        switch code {
        case .topicRefused: .permissionDenied
        case .requestInvalid: .requestInvalid
        case .schemaUnavailable: .schemaInvalid
        default: .unavailable
        }
    }
}
