import ChangeEvents
public import Doors
import Logging
public import Store
import Synchronization
import Twin

/// Channels that only CometD has, and pushing to them.
extension Sandbox: StreamingService {
    /// An org takes no more characters in a generic event.
    private static let payloadCharactersMax = 3_000
    private static let readBytesMax = 2_500_000

    public func push(
        channelID: String, events: [GenericEvent], context: CallContext
    ) async throws(OrgError) -> [PushResult] {
        for event in events where event.payload.utf16.count > Self.payloadCharactersMax {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "STRING_TOO_LONG",
                message: "payload: data value too large (max length=\(Self.payloadCharactersMax))", fields: ["payload"])
        }
        guard let id = RecordID(channelID), id.keyPrefix == ObjectDefinition.streamingChannel.keyPrefix else {
            throw .objectNotFound()
        }
        let streaming = legacyStreaming
        let clock = configuration.clock
        let channel: String
        do {
            channel = try await transaction(userID: context.session.userID) { transaction in
                let record = try transaction.retrieve(ObjectDefinition.streamingChannel.name, id)
                guard case .string(let channel) = record.fields["Name"] ?? .null else {
                    throw OrgError.objectNotFound()
                }
                let now = clock()
                for event in events {
                    let legacy = LegacyEvent(createdAt: now, body: .payload(event.payload), userIDs: event.userIDs)
                    try streaming.append(legacy, to: channel, transaction, into: transaction.writer, receivedAt: now)
                }
                return channel
            }
        } catch let error as OrgError {
            throw error
        } catch {
            logger.error("events could not be pushed", metadata: ["error": "\(error)"])
            throw .internalFailure()
        }
        let online = state.withLock { $0.streaming.users(of: channel) }
        return events.map { event in
            let reached = event.userIDs.isEmpty ? online : online.filter { Self.names(event.userIDs, $0) }
            let statuses = event.userIDs.map { user in (user, online.contains { Self.names([user], $0) }) }
            return PushResult(fanoutCount: reached.count, userOnlineStatus: statuses)
        }
    }

    public func onlineUsers(
        channelID: String, context: CallContext
    ) async throws(OrgError) -> (
        channel: String, userIDs: [String]
    ) {
        let record = try await retrieve(
            object: ObjectDefinition.streamingChannel.name, id: channelID, fields: ["Name"], context: context)
        guard case .object(let members) = record,
            case .string(let channel) = members.first(where: { $0.name == "Name" })?.value
        else { throw .objectNotFound() }
        return (channel, Set(state.withLock { $0.streaming.users(of: channel) }).sorted())
    }

    public func startChannel(
        _ channel: String, from: ReplayStart, caller: BusCaller
    ) async throws(EventBusError) -> Position {
        guard LegacyStreaming.isLegacy(channel) else {
            return try await start(topic: channel, from: from, caller: caller)
        }
        try faults.checkSubscription(topic: channel, from: from)
        _ = try eventUsage.deliveriesLeft(of: DeliveryKind(channel: channel))
        let oldest = configuration.clock() - LegacyStreaming.retentionMilliseconds
        let place = try await readingStreams { reader -> Position? in
            guard try Self.exists(channel, self.catalogue(in: reader), reader) else {
                throw EventBusError(code: .topicNotFound, message: "The channel \(channel) does not exist.")
            }
            switch from {
            case .latest: return try reader.head()
            case .earliest: return try Self.position(before: oldest, of: channel, reader)
            case .after(let replayID): return try Self.position(after: replayID, notBefore: oldest, reader)
            }
        }
        guard let place else {
            throw EventBusError(code: .replayIDCorrupted, message: "The replay ID is not in the retention window.")
        }
        return place
    }

    public func readChannel(
        _ channel: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        guard LegacyStreaming.isLegacy(channel) else {
            return try await read(topic: channel, after: after, limit: limit, caller: caller)
        }
        let schema = legacyStreaming.schema
        let kind = DeliveryKind(channel: channel)
        let limit = min(limit, try eventUsage.deliveriesLeft(of: kind))
        let found = try await readingStreams { reader in
            let logged = try reader.events(
                after: after, selection: .topics([channel]), limit: limit, bytesMax: Self.readBytesMax)
            let events = try logged.filter { event in
                let users = LegacyEvent(try schema.values(of: event.content.event.payload)).userIDs
                return users.isEmpty || Self.names(users, caller.userID)
            }
            // A full read may have stopped before the channel's end.
            var isEnd = true
            if let last = logged.last {
                let next = try reader.events(
                    after: last.position, selection: .topics([channel]), limit: 1, bytesMax: 1)
                isEnd = logged.count < limit && next.isEmpty
            }
            let reached = isEnd ? max(after, try reader.head()) : logged.last?.position ?? after
            return BusRead(
                events: events.map(ArrivedEvent.init), reached: reached,
                latestReplayID: try BusHead.read(reader))
        }
        eventUsage.delivered(found.events.count, of: kind, channel: channel, client: caller.client)
        state.withLock { $0.streaming.delivered(found.events.count, to: caller.client, on: channel) }
        if !found.events.isEmpty { await saveEventUsage() }
        return found
    }

    /// Ids are given with 15 or 18 characters.
    private static func names(_ userIDs: [String], _ userID: String) -> Bool {
        userIDs.contains { RecordID($0)?.string == userID }
    }

    private static func exists(
        _ channel: String, _ catalogue: Catalogue, _ reader: any StoreReader
    ) throws -> Bool {
        if channel.hasPrefix(StreamingRules.channelPrefix) {
            return try StreamingRules.all(.streamingChannel, reader).contains {
                $0.image.fields["Name"] == .string(channel)
            }
        }
        return try StreamingRules.all(.pushTopic, reader).contains {
            PushTopic($0.image, catalogue: catalogue)?.channel == channel
        }
    }

    /// The place before the first event of a channel that came at `oldest` or later.
    private static func position(
        before oldest: Int64, of channel: String, _ reader: any StoreReader
    ) throws -> Position {
        let head = try reader.head()
        var position = Position.start
        while true {
            let page = try reader.events(
                after: position, selection: .topics([channel]), limit: 500, bytesMax: readBytesMax)
            if let first = page.first(where: { $0.content.receivedAt >= oldest }) {
                return Position(rawValue: first.position.rawValue - 1)
            }
            guard let last = page.last else { return head }
            position = last.position
        }
    }

    /// Nil for an id that is unknown, or of an event that came before `oldest`.
    private static func position(
        after replayID: ReplayID, notBefore oldest: Int64, _ reader: any StoreReader
    ) throws -> Position? {
        guard let counter = replayID.counter else { return nil }
        let complete = ReplayID(counter: counter)
        if try BusHead.read(reader) == complete { return try reader.head() }
        guard case .after(let position) = try reader.place(of: complete, topic: nil) else { return nil }
        let before = Position(rawValue: position.rawValue - 1)
        let event = try reader.events(after: before, selection: .all, limit: 1, bytesMax: 1).first
        return event.map { $0.content.receivedAt >= oldest ? position : nil } ?? position
    }

    private func readingStreams<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws(EventBusError) -> T {
        do {
            return try await twin.store.read(body)
        } catch let error as EventBusError {
            throw error
        } catch {
            logger.error("a streaming channel could not be read", metadata: ["error": "\(error)"])
            throw EventBusError(code: .internalError, message: "An internal error occurred.")
        }
    }
}
