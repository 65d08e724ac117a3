public import ChangeEvents

/// Where Upstream puts what it receives; the executable connects it to the twin.
///
/// INTERFACE SKETCH: `Upstream` (`init(configuration:sink:logger:)`, `run()`, `status`) is to be written against it.
public protocol EventSink: Sendable {
    /// How many more events of the topic may be asked for now (flow control is by not asking). Suspends while it is 0.
    func room(for topic: String) async throws -> Int
    /// Stored place of a topic; nil: never subscribed.
    func cursor(for topic: String) async throws -> ReplayID?
    func knowsSchema(_ id: SchemaID) async throws -> Bool
    func learn(_ schema: EventSchema) async throws
    /// Durable when it returns. Events in the order of the topic; `latestReplayID` is the cursor after them (a keepalive has
    /// no events). Throwing ends the stream; it is resumed from the stored cursor.
    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws
    /// Something was lost for good (expired or corrupt replay id): declared before the stream goes on at EARLIEST.
    func declareGap(topic: String, reason: String) async throws
}
