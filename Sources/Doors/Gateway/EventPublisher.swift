public import ChangeEvents

/// Where the events go that clients publish through the gateway: the org.
public protocol EventPublisher: Sendable {
    /// The schema that the topic's events have now; empty where a topic has none of its own.
    func schemaID(ofTopic topic: String) async throws(EventBusError) -> String
    func schema(_ id: SchemaID) async throws(EventBusError) -> EventSchema
    /// Hands events on, once. An error leaves open whether the org has them.
    func publish(topic: String, events: [ProducedEvent]) async throws(EventBusError) -> PublishAnswer
}
