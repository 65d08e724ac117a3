import Store
import Doors
import Logging
import Twin

extension Sandbox {
    /// The entries of `/limits` that the event bus counts: name, maximum, what remains.
    func eventLimits() -> [(name: String, max: Int, remaining: Int)] {
        let allocations = configuration.allocations
        let figures = eventUsage.figures
        func entry(_ name: String, _ max: Int, used: Int) -> (name: String, max: Int, remaining: Int) {
            (name, max, Swift.max(0, max - used))
        }
        return [
            entry("DailyDeliveredPlatformEvents", allocations.deliveriesPerDay, used: figures.delivered),
            entry("HourlyPublishedPlatformEvents", allocations.publishedPerHour, used: figures.published),
            entry(
                "MonthlyPlatformEventsUsageEntitlement", allocations.deliveriesPerDay * 30, used: figures.delivered),
            entry(
                "DailyDurableStreamingApiEvents", allocations.pushTopicDeliveriesPerDay,
                used: figures.deliveredPushTopic),
            entry(
                "DailyDurableGenericStreamingApiEvents", allocations.genericDeliveriesPerDay,
                used: figures.deliveredGeneric),
            // Of API versions without replay, which the door does not speak.
            entry("DailyStreamingApiEvents", allocations.pushTopicDeliveriesPerDay, used: 0),
            entry("DailyGenericStreamingApiEvents", allocations.genericDeliveriesPerDay, used: 0),
            entry("StreamingApiConcurrentClients", allocations.cometDClients, used: figures.cometDClients),
            entry("DurableStreamingApiConcurrentClients", allocations.cometDClients, used: figures.cometDClients),
        ]
    }

    /// Writes the counts down when it is time to. A failure costs precision after a restart and nothing else.
    func saveEventUsage(force: Bool = false) async {
        do {
            guard let changes = try eventUsage.takeChanges(force: force) else { return }
            try await twin.commit { writer in
                for change in changes { try writer.setState(change.key, to: change.value) }
            }
        } catch {
            logger.warning("event usage could not be written", metadata: ["error": "\(error)"])
        }
    }

    /// Whatever depends on the time of day is looked at now: for a clock that was moved.
    public func clockMoved() async throws {
        try await expireEvents()
        try await expireRecycleBin()
        observer.waiters.wakeAll()
    }

    /// Drops events past retention.
    func expireEvents() async throws {
        observer.recent.drop(olderThan: configuration.clock() - configuration.eventRetention.wholeMilliseconds)
        try await twin.trim()
        logChunks.clear()
    }
}
