/// What the hub has done and holds, summed over its loops; taken by `PushHub.statistics()`.
///
/// Each loop counts in a plain copy of its own and publishes it once per turn, so that counting costs an addition.
public struct PushStatistics: Hashable, Sendable {
    // Held now.
    public var connections = 0
    public var webSockets = 0
    public var eventSources = 0
    public var subscriptions = 0
    /// Frames waiting in queues.
    public var framesQueued = 0
    /// Connections that catch up from the log.
    public var connectionsBehind = 0

    // Counted since the start.
    public var connectionsAccepted = 0
    /// Connections answered with an HTTP error.
    public var connectionsRefused = 0
    /// Log entries that reached the loops (each loop sees each: the largest, not the sum).
    public var events = 0
    /// `event` and `left` messages handed to connections.
    public var deliveries = 0
    /// What the same subscriptions would have cost at the org, which does not filter by user: every event of a channel once
    /// for each of its subscriptions.
    public var directDeliveries = 0
    /// Frames composed; deliveries ÷ frames is what sharing saves.
    public var framesMade = 0
    public var bytesSent = 0
    public var sends = 0
    public var messagesReceived = 0
    public var errorsAnswered = 0
    public var checkpoints = 0
    public var gaps = 0
    /// How often a connection fell back to reading the log.
    public var parked = 0
    /// Events skipped because a newer state of the record followed.
    public var conflated = 0
    /// Chunks of the log read for connections that caught up.
    public var chunksRead = 0
    /// Events that could not be decoded for a class and were told as a gap.
    public var undecodable = 0
    /// By close code; 1006: the peer vanished.
    public var closes: [UInt16: Int] = [:]
    /// Nanoseconds of processor time of the loops' threads.
    public var cpuNanoseconds: UInt64 = 0

    public init() {}

    static func + (left: PushStatistics, right: PushStatistics) -> PushStatistics {
        var sum = left
        for path in sums { sum[keyPath: path] += right[keyPath: path] }
        sum.events = max(left.events, right.events)
        sum.closes.merge(right.closes, uniquingKeysWith: +)
        sum.cpuNanoseconds += right.cpuNanoseconds
        return sum
    }

    private static var sums: [WritableKeyPath<PushStatistics, Int>] {
        [
            \.connections, \.webSockets, \.eventSources, \.subscriptions, \.framesQueued, \.connectionsBehind,
            \.connectionsAccepted, \.connectionsRefused, \.deliveries, \.directDeliveries, \.framesMade, \.bytesSent,
            \.sends, \.messagesReceived,
            \.errorsAnswered, \.checkpoints, \.gaps, \.parked, \.conflated, \.chunksRead, \.undecodable,
        ]
    }
}
