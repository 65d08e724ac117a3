public import ChangeEvents

/// What arrived together from upstream: events in the order of their topic, then the place reached.
public struct ReceivedBatch: Sendable {
    public var topic: String
    public var events: [ReceivedEvent]
    /// `latest_replay_id` of the response (also of a keepalive without events): the cursor after the batch.
    public var latestReplayID: ReplayID?
    public init(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) {
        self.topic = topic
        self.events = events
        self.latestReplayID = latestReplayID
    }
}
