public import ChangeEvents
internal import Logging
internal import NIOCore
public import Store
internal import Synchronization
public import Twin

/// The gateway as an event bus: what the doors of Salesforce's own protocols (Pub/Sub API, CometD) serve to bearers of push
/// tokens. A client that was written for the org subscribes here instead, unchanged but for its address and its token.
///
/// Same tokens and same rules as on the push hub: a channel needs an entry of the token, its `where` decides which records
/// are seen and its `fields` which values, `exp` and revocation are punctual. The schema ids and replay ids are the org's.
/// See `docs/salesforce-doors.md`.
///
/// The bus's positions are places of the log (`LogPlace`). Any thread.
public final class GatewayBus: Sendable {
    /// Entries judged in one read.
    private static let itemsMax = 256
    /// Payload bytes of one read, so that a response stays well below 3 MB.
    private static let readBytesMax = 2_500_000
    /// Views kept ready.
    private static let viewsMax = 4_096
    /// Of events that some see a part of.
    private static let encodingBytesMax = 8_000_000

    private struct ViewKey: Hashable {
        var channel: String
        var allow: [Grant.Allowance]
    }

    private let twin: Twin
    private let shared: PushHubShared
    private let log: GatewayLog
    private let publisher: (any EventPublisher)?
    private let views = Mutex<[ViewKey: ListenerView]>([:])
    private let encodings = ShownEncodings(bytesMax: encodingBytesMax)
    private let published = Mutex((accepted: 0, refused: 0))
    /// Streams and CometD clients of each subject.
    private let listeners = ConnectionRegister()
    /// The subjects of the streams that are open.
    private let streams = Mutex<[String: String]>([:])

    init(twin: Twin, shared: PushHubShared, log: GatewayLog, publisher: (any EventPublisher)?) {
        self.twin = twin
        self.shared = shared
        self.log = log
        self.publisher = publisher
    }

    /// How far the memory reaches: what is in the log behind it, readers at the head do not see yet.
    var head: LogPlace { log.head }

    /// Events that some see a part of, as they are kept for the next who sees the same.
    var encodingsCount: Int { encodings.count }

    private var virtual: VirtualChannels { shared.configuration.virtualChannels }

    // MARK: Tokens

    func caller(ofToken token: String) throws(TokenError) -> BusCaller {
        let grant = try shared.verify(token)
        return BusCaller(
            userID: grant.subject, organizationID: "",
            pass: ListenerPass(grant: grant, openedAt: Position(rawValue: log.head.rawValue)))
    }

    /// The pass, if it is still good.
    private func pass(of caller: BusCaller) throws(EventBusError) -> ListenerPass {
        guard let pass = caller.pass, pass.grant.expiresAt > WallClock.seconds(),
            !shared.revocations.covers(pass.grant)
        else { throw Self.unauthenticated("the token has expired or was revoked") }
        return pass
    }

    private static func unauthenticated(_ reason: String) -> EventBusError {
        EventBusError(code: .unauthenticated, message: "Authentication failed: \(reason).")
    }

    private func view(of channel: String, _ pass: ListenerPass) throws(EventBusError) -> ListenerView {
        let key = ViewKey(channel: channel, allow: pass.grant.allow)
        if let known = views.withLock({ $0[key] }) { return known }
        let view = try ListenerView(
            channel: channel, allow: pass.grant.allow,
            tracked: shared.configuration.tracked, virtual: virtual, encodings: encodings)
        views.withLock { views in
            if views.count >= Self.viewsMax { views = [:] }
            views[key] = view
        }
        return view
    }

    private func reading<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws(EventBusError) -> T {
        do {
            return try await twin.store.read(body)
        } catch {
            throw failed("the log could not be read", error)
        }
    }

    private func failed(_ what: Logger.Message, _ error: any Error) -> EventBusError {
        shared.logger.error(what, metadata: ["error": "\(error)"])
        return EventBusError(code: .internalError, message: "An internal error occurred.")
    }
}

extension GatewayBus: EventBus {
    /// `instanceURL` and `tenantID` are the client's affair: there is one org behind a gateway.
    public func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        guard let accessToken else { throw Self.unauthenticated("there is no accesstoken") }
        do throws(TokenError) {
            return try caller(ofToken: accessToken)
        } catch {
            throw Self.unauthenticated(error.message)
        }
    }

    public func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        let pass = try pass(of: caller)
        if let publisher, pass.grant.publish.contains(name) {
            // Who publishes needs the newest, which the log may never have seen.
            return TopicDescription(
                name: name, tenantGUID: "", canPublish: true,
                canSubscribe: pass.grant.allow.contains { $0.channel == name },
                schemaID: try await publisher.schemaID(ofTopic: name))
        }
        let view = try view(of: name, pass)
        var schemaID = ""
        if let eventName = view.channel.eventName {
            schemaID = try await reading { try $0.newestSchemaID(eventName: eventName)?.string ?? "" }
        }
        return TopicDescription(name: name, tenantGUID: "", canPublish: false, canSubscribe: true, schemaID: schemaID)
    }

    /// A schema names its object's fields: it is for those who may have its events, or publish them.
    public func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        let pass = try pass(of: caller)
        let facts: SchemaFacts?
        do {
            facts = try await shared.schemas.facts(SchemaID(id), twin: twin)
        } catch {
            throw failed("a schema could not be read", error)
        }
        var found = facts?.schema
        if found == nil, let publisher, !pass.grant.publish.isEmpty { found = try await publisher.schema(SchemaID(id)) }
        guard let schema = found else { throw Self.schemaUnknown }
        let name = schema.recordName
        if pass.grant.publish.contains("/event/\(name)") { return schema.json }
        let channels = PushChannel.names(
            topic: (schema.isChangeEvent ? "/data/" : "/event/") + name, eventName: name, virtual: virtual)
        guard pass.grant.allow.contains(where: { channels.contains($0.channel) }) else { throw Self.schemaUnknown }
        return schema.json
    }

    private static let schemaUnknown = EventBusError(
        code: .schemaInvalid, message: "Schema validation failed. The schema ID is unknown.")

    public func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        _ = try view(of: topic, pass(of: caller))
        switch from {
        case .latest:
            return Position(rawValue: log.head.rawValue)
        case .earliest:
            let place = try await reading { reader in
                let oldest = try reader.oldest().map { Position(rawValue: $0.rawValue - 1) }
                return LogPlace(event: try oldest ?? reader.head())
            }
            return Position(rawValue: place.rawValue)
        case .after(let replayID):
            let place: LogPlace
            switch await shared.reader.place(of: replayID, channel: topic, repeatsMerged: false) {
            case .at(let found): place = found
            case .unknown: throw Self.replayIDUnknown
            case .failed: throw EventBusError(code: .internalError, message: "An internal error occurred.")
            }
            // A client that goes on over a loss would never know of it. An unknown place is what its protocol has for that.
            let gaps = try await reading { try $0.gaps(in: place.position...max(place.position, $0.head())) }
            let isLost = gaps.contains {
                LogPlace(gap: $0) > place
                    && LogItem(gap: $0, replayID: nil, virtual: virtual).concerns(channel: topic)
            }
            guard !isLost else { throw Self.lostBehind }
            return Position(rawValue: place.rawValue)
        }
    }

    private static let replayIDUnknown = EventBusError(
        code: .replayIDCorrupted,
        message: "The Replay ID validation failed. Ensure that the Replay ID is valid and within the retention window.")
    private static let lostBehind = EventBusError(
        code: .replayIDCorrupted,
        message: "The Replay ID validation failed. Events behind it were lost: subscribe anew and load what changed.")

    public func read(
        topic: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        let pass = try pass(of: caller)
        let view = try view(of: topic, pass)
        let place = LogPlace(rawValue: after.rawValue)
        guard limit > 0 else {
            return BusRead(events: [], reached: after, latestReplayID: newestReplayID(topic))
        }
        let (items, end) = try await items(after: place, view.channel)
        var progress = Progress(place: place)
        for item in items {
            if item.event == nil, item.place.rawValue > pass.openedAt.rawValue, item.concerns(channel: topic) {
                // The stream ends here; when it comes again, `start` says why.
                guard !progress.events.isEmpty else { throw Self.lost }
                return progress.read(newest: newestReplayID(topic))
            }
            progress.pass(item, of: topic, show(item, view))
            if progress.events.count == limit || progress.bytes > Self.readBytesMax {
                return progress.read(newest: newestReplayID(topic))
            }
        }
        progress.place = max(progress.place, end)
        return progress.read(newest: newestReplayID(topic))
    }

    private static let lost = EventBusError(
        code: .unavailable, message: "Events were lost between the org and this gateway. Subscribe again.")

    /// How far one read has come.
    private struct Progress {
        var place: LogPlace
        var events: [ArrivedEvent] = []
        var bytes = 0
        var replayID: ReplayID?

        mutating func pass(_ item: LogItem, of channel: String, _ event: ReceivedEvent?) {
            place = item.place
            // The same number on a topic of another family is another place.
            if let id = item.replayID, PushChannel.family(of: item.topic) == PushChannel.family(of: channel) {
                replayID = id
            }
            guard let event, let logged = item.event else { return }
            events.append(
                ArrivedEvent(
                    position: Position(rawValue: item.place.rawValue), event: event,
                    receivedAt: logged.content.receivedAt))
            bytes += event.payload.readableBytes
        }

        func read(newest: ReplayID) -> BusRead {
            BusRead(events: events, reached: Position(rawValue: place.rawValue), latestReplayID: replayID ?? newest)
        }
    }

    /// Nil where nothing of it may be seen.
    private func show(_ item: LogItem, _ view: ListenerView) -> ReceivedEvent? {
        do throws(AvroError) {
            return try view.event(of: item)
        } catch {
            shared.logger.error(
                "an event cannot be shown to who may see a part of it",
                metadata: ["place": "\(item.place.rawValue)", "error": "\(error)"])
            return nil
        }
    }

    /// Entries after a place, and how far that is everything there is for the channel.
    private func items(
        after place: LogPlace, _ channel: PushChannel
    ) async throws(EventBusError) -> ([LogItem], end: LogPlace) {
        if let items = log.items(after: place, limit: Self.itemsMax) { return (items, items.last?.place ?? place) }
        let selection: EventSelection = channel.eventName.map { .eventNames([$0, ""]) } ?? .all
        do {
            let (items, retained, reached) = try await shared.reader.read(
                ChunkWish(after: place, selection: selection))
            // Retention has passed a reader that was too slow.
            guard retained <= place.position else { throw Self.replayIDUnknown }
            return (items, reached)
        } catch let error as EventBusError {
            throw error
        } catch {
            throw failed("the log could not be read", error)
        }
    }

    /// Empty where none is known yet.
    private func newestReplayID(_ channel: String) -> ReplayID {
        log.newestReplayID(channel: channel) ?? ReplayID(bytes: [])
    }

    public func lookTicket() -> LookTicket { log.lookTicket() }

    public func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async {
        await log.wait(after: LogPlace(rawValue: after.rawValue), since: look, timeout: timeout)
    }

    /// Handed on to the org, whose answer it is. The events come back like all others, where their topic is subscribed to.
    public func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer {
        let pass = try pass(of: caller)
        guard let publisher, pass.grant.publish.contains(topic) else {
            throw EventBusError(
                code: .permissionDenied, message: "The topic \(topic) is not in the token's publish claim.")
        }
        let answer = try await publisher.publish(topic: topic, events: events)
        published.withLock { counts in
            for result in answer.results {
                if result.message == nil { counts.accepted += 1 } else { counts.refused += 1 }
            }
        }
        return answer
    }

    /// Events that the org has taken from clients of the gateway, and that it has refused.
    public var publishedCounts: (accepted: Int, refused: Int) { published.withLock { $0 } }

    public func streamOpened(_ stream: BusStream) throws(EventBusError) {
        try enter(stream.caller)
        streams.withLock { $0[stream.id] = stream.caller.userID }
    }

    public func streamClosed(_ id: String) {
        // One that was refused has no place to give back.
        if let subject = streams.withLock({ $0.removeValue(forKey: id) }) { listeners.leave(subject) }
    }

    private func enter(_ caller: BusCaller) throws(EventBusError) {
        guard listeners.enter(caller.userID, max: shared.configuration.connectionsPerSubjectMax) else {
            throw EventBusError(code: .clientLimitExceeded, message: "Too many clients of one subject.")
        }
    }

    // MARK: What a gateway does not do

    public func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot {
        throw EventBusError(
            code: .managedNotFound,
            message: "This gateway has no managed subscriptions. Use Subscribe with a Replay ID.")
    }

    public func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        throw EventBusError(code: .managedNotFound, message: "This gateway has no managed subscriptions.")
    }

    public func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64 {
        throw EventBusError(code: .managedNotFound, message: "This gateway has no managed subscriptions.")
    }

    public func closeManaged(_ slot: ManagedSlot) async {}
}

extension GatewayBus: BayeuxService {
    /// An expired token is an unknown one here: `exp` is punctual.
    public func standing(ofToken accessToken: String) async -> TokenStanding {
        do throws(TokenError) {
            return .valid(try caller(ofToken: accessToken))
        } catch {
            return .unknown
        }
    }

    public func clientOpened(_ client: String, caller: BusCaller) throws(EventBusError) {
        try enter(caller)
    }

    public func clientClosed(_ client: String, caller: BusCaller) { listeners.leave(caller.userID) }

    public func clientSubscribed(_ client: String, channel: String, caller: BusCaller) {}
    public func clientUnsubscribed(_ client: String, channel: String, caller: BusCaller) {}

    public func now() -> Int64 { WallClock.seconds() * 1_000 }
}
