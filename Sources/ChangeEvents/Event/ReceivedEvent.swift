public import NIOCore

/// An event as it came from an event bus: undecoded, unchanged.
public struct ReceivedEvent: Sendable, Hashable {
    /// The topic it was received on: `/data/ChangeEvents`, `/event/Low_Ink__e`.
    public var topic: String
    public var replayID: ReplayID
    /// `event.id` of the Pub/Sub API: a UUID, stable across redeliveries. May be empty.
    public var eventID: String
    public var schemaID: SchemaID
    /// The Avro body: no container, no fingerprint.
    public var payload: ByteBuffer

    public init(topic: String, replayID: ReplayID, eventID: String, schemaID: SchemaID, payload: ByteBuffer) {
        self.topic = topic
        self.replayID = replayID
        self.eventID = eventID
        self.schemaID = schemaID
        self.payload = payload
    }
}
