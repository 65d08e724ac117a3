public import ChangeEvents

/// Where Upstream puts what it receives; the executable connects it to the twin.
///
/// Calls for one topic never overlap, with one exception: `room(for:)` may be called while `receive` runs, so that the
/// next events are on their way while the last ones are being stored. Different topics call at the same time. A call
/// that is cancelled may throw and must leave nothing half done.
public protocol EventSink: Sendable {
    /// How many events of the topic may be on their way or unstored now (flow control is by not asking). Suspends while
    /// it is 0. Upstream subtracts what it has asked for or is storing already, and never has more than 100 on their
    /// way: a sink without a queue of its own answers 200, so that 100 travel while 100 are being stored.
    func room(for topic: String) async throws -> Int
    /// Stored place of a topic; nil: never subscribed.
    func cursor(for topic: String) async throws -> ReplayID?
    func knowsSchema(_ id: SchemaID) async throws -> Bool
    func learn(_ schema: EventSchema) async throws
    /// Durable when it returns. Events in the order of the topic; `latestReplayID` is the cursor after them (a
    /// keepalive has no events). Throwing ends the stream; it is resumed from the stored cursor.
    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws
    /// Something was lost for good (expired or corrupt replay id): declared before the stream goes on at EARLIEST.
    func declareGap(topic: String, reason: String) async throws
}
