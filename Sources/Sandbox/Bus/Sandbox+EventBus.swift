import Synchronization
import Logging
import ChangeEvents
public import Doors
public import Store
public import Twin

extension Sandbox: EventBus {
    /// The channel of all selected objects.
    static let allChangesTopic = "/data/ChangeEvents"
    /// Payload bytes of one read, so that a response stays well below 3 MB.
    private static let readBytesMax = 2_500_000

    public func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        guard let accessToken, let instanceURL, let tenantID, isOurs(tenantID), isOwnURL(instanceURL),
            let session = await usedSession(accessToken)
        else {
            throw EventBusError(
                code: .unauthenticated,
                message: "The session is invalid or expired, or the instance URL or tenant ID does not match it.")
        }
        return BusCaller(userID: session.userID, organizationID: organization.id)
    }

    public func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        try checkExists(name)
        let schema = self.schema
        let event = name.hasPrefix("/event/") ? schema.eventSchemas[String(name.dropFirst("/event/".count))] : nil
        let change = schema.captured.values.first { $0.object.changeEventTopic == name }?.schema
        let isOpen = (try? feed(of: name, caller: caller)) != nil
        return TopicDescription(
            name: name, tenantGUID: "core/prod/\(organization.id)",
            canPublish: event.map { schema.catalogue.event($0.recordName)?.isWritable ?? false } ?? false,
            canSubscribe: isOpen, schemaID: (event ?? change)?.id.string ?? "")
    }

    public func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        try faults.checkSchema(id)
        guard !id.isEmpty else {
            throw EventBusError(
                code: .schemaInvalid, message: "Schema validation failed. The schema ID can't be blank.")
        }
        let text = try await readingBus { try $0.schemaJSON(SchemaID(id)) }
        guard let text else {
            throw EventBusError(code: .schemaInvalid, message: "Schema validation failed. The schema ID is unknown.")
        }
        return text
    }

    public func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        try faults.checkSubscription(topic: topic, from: from)
        try checkExists(topic)
        _ = try feed(of: topic, caller: caller)
        _ = try eventUsage.deliveriesLeft()
        try await dropExpired()
        switch from {
        case .latest:
            return try await readingBus { try $0.head() }
        case .earliest:
            return try await readingBus { reader in
                guard let oldest = try reader.oldest() else { return try reader.head() }
                return Position(rawValue: oldest.rawValue - 1)
            }
        case .after(let replayID):
            return try await place(after: replayID)
        }
    }

    public func read(
        topic: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        let limit = min(limit, try eventUsage.deliveriesLeft())
        let feed = try feed(of: topic, caller: caller)
        let found = try await struck(
            try await found(in: feed, after: after, limit: limit), topic: topic, after: after)
        guard !found.events.isEmpty else { return found }
        eventUsage.delivered(Self.counts(of: found.events), client: caller.client)
        if caller.client != EventUsage.pubSubClient {
            state.withLock { $0.streaming.delivered(found.events.count, to: caller.client, on: topic) }
        }
        await saveEventUsage()
        return found
    }

    public func streamOpened(_ stream: BusStream) {
        let now = configuration.clock()
        state.withLock { $0.streaming.open(stream, now: now) }
    }

    public func streamDelivered(_ id: String, count: Int) {
        state.withLock { $0.streaming.delivered(count, toStream: id) }
    }

    public func streamClosed(_ id: String) { state.withLock { $0.streaming.close(stream: id) } }

    /// How many there are by event name. A topic's events come in runs.
    private static func counts(of events: [ArrivedEvent]) -> [String: Int] {
        var counts: [String: Int] = [:]
        var run: (topic: String, count: Int) = ("", 0)
        for arrived in events {
            if arrived.event.topic != run.topic {
                if run.count > 0 { counts[eventName(ofTopic: run.topic), default: 0] += run.count }
                run = (arrived.event.topic, 0)
            }
            run.count += 1
        }
        if run.count > 0 { counts[eventName(ofTopic: run.topic), default: 0] += run.count }
        return counts
    }

    /// A delivery as the faults that stand want it.
    private func struck(_ read: BusRead, topic: String, after: Position) async throws(EventBusError) -> BusRead {
        guard !read.events.isEmpty, faults.concernDeliveries else { return read }
        let before = try await readingBus { try Self.replayID(at: after, $0) }
        return faults.delivery(read, topic: topic, after: after, now: configuration.clock(), before: before)
    }

    /// Recent events come from memory; what is older, and what needs records, from the store.
    private func found(in feed: BusFeed, after: Position, limit: Int) async throws(EventBusError) -> BusRead {
        guard feed.isPlain, limit > 0 else { return try await readLog(feed, after: after, limit: limit) }
        if let recent = observer.recent.read(
            after: after, topics: feed.topics, limit: limit, bytesMax: Self.readBytesMax)
        {
            return recent
        }
        if let known = logChunks.read(after: after, topics: feed.topics, limit: limit) { return known }
        let generation = logChunks.generation
        let chunk = try await readLog(feed, after: after, limit: max(limit, LogChunks.chunkEventsMax))
        return logChunks.keep(chunk, after: after, topics: feed.topics, limit: limit, generation: generation)
    }

    private func readLog(_ feed: BusFeed, after: Position, limit: Int) async throws(EventBusError) -> BusRead {
        let (schemas, captured) = (schemaCache, captured)
        return try await readingBus { reader in
            let selection = EventSelection.topics(feed.topics)
            let events =
                limit > 0
                ? try reader.receivedEvents(
                    after: after, selection: selection, limit: limit, bytesMax: Self.readBytesMax) : []
            var sent = feed.isPlain ? events : []
            for arrived in events where !feed.isPlain {
                guard let member = feed.members[arrived.event.topic] else {
                    sent.append(arrived)
                    continue
                }
                let delivery = ChannelDelivery(
                    member: member, reader: reader, schemas: schemas, captured: captured)
                for part in try delivery.delivered(arrived.event) {
                    sent.append(ArrivedEvent(position: arrived.position, event: part, receivedAt: arrived.receivedAt))
                }
            }
            if let last = events.last {
                // A read may stop at a bound of the log before its limit: only when nothing more of this topic follows
                // does the reader stand at the end of the bus.
                let hasMore =
                    try events.count == limit
                    || !reader.receivedEvents(after: last.position, selection: selection, limit: 1, bytesMax: 1)
                        .isEmpty
                if hasMore {
                    return BusRead(events: sent, reached: last.position, latestReplayID: last.event.replayID)
                }
            }
            let reached = limit > 0 ? max(after, try reader.head()) : after
            return BusRead(events: sent, reached: reached, latestReplayID: try BusHead.read(reader))
        }
    }

    /// `CaseChangeEvent` of `/data/CaseChangeEvent`.
    static func eventName(ofTopic topic: String) -> String {
        topic.lastIndex(of: "/").map { String(topic[topic.index(after: $0)...]) } ?? topic
    }

    /// Drops what retention has passed since it last ran, so that the clock may be moved by any amount.
    private func dropExpired() async throws(EventBusError) {
        let cut = configuration.clock() - configuration.eventRetention.wholeMilliseconds
        let isDue = try await readingBus { reader -> Bool in
            let oldest = try reader.receivedEvents(after: .start, selection: .all, limit: 1, bytesMax: 1).first
            return oldest.map { $0.receivedAt < cut } ?? false
        }
        guard isDue else { return }
        do {
            try await expireEvents()
        } catch {
            logger.error("old events could not be dropped", metadata: ["error": "\(error)"])
            throw EventBusError(code: .internalError, message: "An internal error occurred.")
        }
    }

    /// Of the event at a position; nil where there is none, at the beginning of the log.
    private static func replayID(at position: Position, _ reader: any StoreReader) throws -> ReplayID? {
        let before = Position(rawValue: position.rawValue - 1)
        let event = try reader.events(after: before, selection: .all, limit: 1, bytesMax: 1).first
        return event?.position == position ? event?.content.event.replayID : nil
    }

    public func lookTicket() -> LookTicket { observer.waiters.ticket() }

    public func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async {
        if faults.isDelaying || faults.awaitsStream {
            // Events that are held back are there already, and nothing will wake for them or for a fault: look again soon.
            do {
                try await Task.sleep(for: min(timeout, Self.delayedLookInterval))
            } catch {
                // Cancelled: the wait is over.
                return
            }
        } else {
            await observer.waiters.wait(after: after, since: look, timeout: timeout)
        }
    }

    /// How often a reader looks for events that a fault holds back.
    private static let delayedLookInterval = Duration.milliseconds(50)

    /// Exclusive: events after the one with this id. One code for malformed, expired and foreign ids, as an org has it.
    func place(after replayID: ReplayID) async throws(EventBusError) -> Position {
        guard let counter = replayID.counter else { throw Self.corrupted }
        // The bare counter of 8 bytes is the same place.
        let complete = ReplayID(counter: counter)
        let place = try await readingBus { reader -> ReplayPlace in
            // The newest id stays good when retention has dropped its event, or before there was any.
            if try BusHead.read(reader) == complete { return .after(try reader.head()) }
            return try reader.place(of: complete, topic: nil)
        }
        switch place {
        case .after(let position): return position
        case .unknown: throw Self.corrupted
        }
    }

    private static let corrupted = EventBusError(
        code: .replayIDCorrupted,
        message: "The Replay ID validation failed. Ensure that the Replay ID is valid and within the retention window.")

    private func checkExists(_ topic: String) throws(EventBusError) {
        guard isTopic(topic) else { throw Self.topicUnknown(topic) }
    }

    private func isOurs(_ tenantID: String) -> Bool {
        tenantID == organization.id || tenantID == organization.shortID
    }

    func readingBus<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws(EventBusError) -> T {
        do {
            return try await twin.store.read(body)
        } catch {
            logger.error("the event bus could not read its log", metadata: ["error": "\(error)"])
            throw EventBusError(code: .internalError, message: "An internal error occurred.")
        }
    }
}
