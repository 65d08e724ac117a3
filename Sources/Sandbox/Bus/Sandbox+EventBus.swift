import Synchronization
import Twin
import Logging
import ChangeEvents
public import Doors
public import Store

extension Sandbox: EventBus {
    /// The channel of all selected objects.
    static let allChangesTopic = "/data/ChangeEvents"
    /// Payload bytes of one read, so that a response stays well below 3 MB.
    private static let readBytesMax = 2_500_000

    public func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        try faults.checkAuthorization()
        guard let accessToken, let instanceURL, let tenantID, isOurs(tenantID), isOurs(instanceURL: instanceURL),
            let session = await usedSession(accessToken)
        else {
            throw EventBusError(
                code: .unauthenticated,
                message: "The session is invalid or expired, or the instance URL or tenant ID does not match it.")
        }
        return BusCaller(userID: session.userID, organizationID: organization.id)
    }

    public func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        try faults.check(.topic(name))
        try checkExists(name)
        let schema = captured.values.first { $0.object.changeEventTopic == name }?.schema.id.string
        return TopicDescription(
            name: name, tenantGUID: "core/prod/\(organization.id)", canPublish: false, canSubscribe: true,
            schemaID: schema ?? "")
    }

    public func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        try faults.check(.schema(id))
        guard !id.isEmpty else {
            throw EventBusError(
                code: .schemaInvalid, message: "Schema validation failed. The schema ID can't be blank.")
        }
        let text = try await reading { try $0.schemaJSON(SchemaID(id)) }
        guard let text else {
            throw EventBusError(code: .schemaInvalid, message: "Schema validation failed. The schema ID is unknown.")
        }
        return text
    }

    public func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        try faults.check(.start(topic: topic, from: from))
        try checkExists(topic)
        switch from {
        case .latest:
            return try await reading { try $0.head() }
        case .earliest:
            return try await reading { reader in
                guard let oldest = try reader.oldest() else { return try reader.head() }
                return Position(rawValue: oldest.rawValue - 1)
            }
        case .after(let replayID):
            return try await start(after: replayID)
        }
    }

    public func read(
        topic: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        try faults.checkRead()
        let selection = EventSelection.topics(topics(in: topic))
        return try await reading { reader in
            let events =
                limit > 0
                ? try reader.events(after: after, selection: selection, limit: limit, bytesMax: Self.readBytesMax) : []
            let found = events.map { (position: $0.position, event: $0.content.event) }
            if let last = found.last {
                // A read may stop at a bound of the log before its limit: only when nothing more of this topic follows
                // does the reader stand at the end of the bus.
                let hasMore =
                    try events.count == limit
                    || !reader.events(after: last.position, selection: selection, limit: 1, bytesMax: 1).isEmpty
                if hasMore {
                    return BusRead(events: found, reached: last.position, latestReplayID: last.event.replayID)
                }
            }
            let reached = limit > 0 ? max(after, try reader.head()) : after
            return BusRead(events: found, reached: reached, latestReplayID: try BusHead.read(reader))
        }
    }

    public func waitForEvents(after: Position, timeout: Duration) async {
        await observer.waiters.wait(after: after, timeout: timeout)
    }

    /// Ends the streams that wait for events now: each one's next read fails with the error.
    public func cutStreams(
        with error: EventBusError = EventBusError(
            code: .unavailable, message: "The service is temporarily unavailable.")
    ) {
        faults.failNextReads(max(1, observer.waiters.count), with: error)
        observer.waiters.wakeAll()
    }

    /// Exclusive: events after the one with this id. One code for malformed, expired and foreign ids, as an org has it.
    private func start(after replayID: ReplayID) async throws(EventBusError) -> Position {
        guard let counter = replayID.counter else { throw Self.corrupted }
        // The bare counter of 8 bytes is the same place.
        let complete = ReplayID(counter: counter)
        let place = try await reading { reader -> ReplayPlace in
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
        let isKnown =
            topic == Self.allChangesTopic || captured.values.contains { $0.object.changeEventTopic == topic }
            || state.withLock { $0.injectedTopics.contains(topic) }
        guard isKnown else {
            throw EventBusError(
                code: .topicNotFound, message: "The topic \(topic) does not exist, or you don't have permission to it.")
        }
    }

    /// The log's topics that a bus topic shows: a channel shows those of all its members.
    private func topics(in topic: String) -> Set<String> {
        guard topic == Self.allChangesTopic else { return [topic] }
        let injected = state.withLock { $0.injectedTopics }.filter {
            $0.hasPrefix("/data/") && $0.hasSuffix("ChangeEvent")
        }
        return injected.union(captured.values.map { $0.object.changeEventTopic }).union([topic])
    }

    private func isOurs(_ tenantID: String) -> Bool {
        tenantID == organization.id || tenantID == organization.shortID
    }

    private func isOurs(instanceURL: String) -> Bool {
        let addresses = state.withLock { $0.addresses }
        let given = instanceURL.hasSuffix("/") ? String(instanceURL.dropLast()) : instanceURL
        return [addresses.instanceURL, addresses.httpURL, addresses.httpsURL].contains { !$0.isEmpty && $0 == given }
    }

    private func reading<T: Sendable>(
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
