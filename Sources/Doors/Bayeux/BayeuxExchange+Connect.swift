internal import ChangeEvents
internal import Logging
internal import NIOCore
internal import Store
internal import Waiting

extension BayeuxExchange {
    /// How many events one read of a channel gives.
    private static let readLimit = 200
    /// No further channel is read for a response that has this much. Clients are told to take 10 MB.
    private static let responseBytesMax = 4 << 20

    /// The events that are there, or the first that come, and the connect's own reply. Nil: overtaken.
    func connect(
        _ message: BayeuxMessage, _ standing: TokenStanding, now: Int64
    ) async throws(BayeuxError) -> (events: [ByteBuffer], reply: JSONValue)? {
        let session = try session(of: message, standing, now: now)
        guard message.connectionType == BayeuxMessage.longPolling else {
            throw .invalidConnectionType(message.connectionType ?? "null")
        }
        let client = session.clientID
        guard
            let (action, wakeup) = sessions.connectReceived(client, adviceTimeout: message.adviceTimeout, now: now)
        else { throw .unknownClient }
        let ticket: UInt64
        let until: Int64
        var withAdvice = false
        switch action {
        case .refuse: throw .unknownClient
        case .answer(let number, let advises): (ticket, until, withAdvice) = (number, now, advises)
        case .hold(let number, let end): (ticket, until) = (number, end)
        }
        defer { sessions.connectAnswered(client, ticket: ticket, now: service.now()) }
        while true {
            let look = service.lookTicket()
            let reading: [BayeuxSession.Subscription]
            switch sessions.plan(client, ticket: ticket) {
            case .overtaken: return nil
            case .closed: return ([], BayeuxReply.success(message) { $0.advise(.error(.none)) })
            case .read(let subscriptions): reading = subscriptions
            }
            let (events, reached) = try await read(reading, session, ticket: ticket)
            let rest = until - service.now()
            if !events.isEmpty || rest <= 0 || sessions.isShuttingDown || Task.isCancelled {
                let reply = BayeuxReply.success(message) { reply in
                    if withAdvice { reply.advise(.session(holdMilliseconds: timing.holdMilliseconds)) }
                }
                return (events, reply)
            }
            let deadline = ContinuousClock.now + .milliseconds(rest)
            if let reached {
                await wakeup.wait(until: deadline) { [service] in
                    await service.waitForEvents(after: reached, since: look, timeout: .milliseconds(rest))
                }
            } else {
                await wakeup.wait(until: deadline)
            }
        }
    }

    private typealias Message = (position: Position, message: ByteBuffer)

    /// What is there for the subscriptions, in the order of the log, and the lowest place that was reached (nil without
    /// subscriptions). An error counts only when there is nothing to send before it.
    private func read(
        _ subscriptions: [BayeuxSession.Subscription], _ session: BayeuxSession, ticket: UInt64
    ) async throws(BayeuxError) -> (events: [ByteBuffer], reached: Position?) {
        var reads: [(subscription: BayeuxSession.Subscription, reached: Position, messages: [Message])] = []
        var bytes = 0
        for subscription in subscriptions where bytes < Self.responseBytesMax {
            let read: BusRead
            var messages: [Message] = []
            try await sufferFault(on: subscription.channel)
            do throws(EventBusError) {
                read = try await service.readChannel(
                    subscription.channel, after: subscription.position, limit: Self.readLimit, caller: session.caller)
                for arrived in read.events {
                    messages.append((arrived.position, try await write(arrived.event, subscription, session)))
                }
            } catch {
                if error.code == .topicNotFound {
                    // The channel was deleted: what is left of the session goes on.
                    _ = sessions.unsubscribed(session.clientID, from: subscription.channel)
                    continue
                }
                guard reads.allSatisfy(\.messages.isEmpty) else { break }
                throw BayeuxError(error, channel: subscription.channel)
            }
            reads.append((subscription, read.reached, messages))
            bytes += messages.reduce(0) { $0 + $1.message.readableBytes }
        }
        // All places move together, when everything is read: an overtaken connect sends nothing, so it moves none of them.
        let counts = sessions.wereRead(session.clientID, reads.map { ($0.subscription, $0.reached) }, ticket: ticket)
        let sent = zip(reads, counts).filter(\.1).map(\.0)
        let found = sent.flatMap(\.messages)
        // Each channel has its order already; among channels it is that of the log.
        let sorted = found.enumerated().sorted {
            ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
        }
        return (sorted.map(\.element.message), sent.map(\.reached).min())
    }

    /// What goes wrong on command when a connect looks for a channel's events. Nothing has been read of it, so nothing is lost.
    private func sufferFault(on topic: String) async throws(BayeuxError) {
        guard let fault = faults?.fault(at: .stream(rpc: Self.faultName, topic: topic)) else { return }
        switch fault {
        case .cut, .goAway:
            if let channel = HTTPConnection.channel { ConnectionFaults.cut(channel) }
            // Nobody reads it.
            throw .busy
        case .halfOpen:
            if let channel = HTTPConnection.channel { ConnectionFaults.silence(channel) }
        case .stall(let duration):
            do {
                try await Stall.wait(duration)
            } catch {
                // The client has gone, and with it whoever would wait for the end.
                return
            }
        case .unavailable, .requestLimit:
            throw .busy
        case .expiredToken:
            throw .authenticationInvalid
        }
    }

    /// What a fault's `rpc` calls the streams of this door.
    private static let faultName = "CometD"

    private func write(
        _ event: ReceivedEvent, _ subscription: BayeuxSession.Subscription, _ session: BayeuxSession
    ) async throws(EventBusError) -> ByteBuffer {
        let schema = try await schemas.schema(event.schemaID, caller: session.caller)
        do throws(AvroError) {
            guard let schema else {
                // It may become known: what is written without it is not kept.
                return try BayeuxEventWriter.write(
                    event, schema: nil, channel: subscription.channel, apiVersion: apiVersion)
            }
            let key = BayeuxEventKey(
                replayID: event.replayID, eventID: event.eventID, schemaID: event.schemaID, payload: event.payload,
                channel: subscription.channel, apiVersion: apiVersion)
            return try encodings.bytes(key) { () throws(AvroError) in
                try BayeuxEventWriter.write(
                    event, schema: schema, channel: subscription.channel, apiVersion: apiVersion)
            }
        } catch {
            logger.error(
                "an event could not be written for CometD",
                metadata: ["channel": "\(subscription.channel)", "replay.id": "\(event.replayID)", "error": "\(error)"])
            throw EventBusError(code: .internalError, message: "An event could not be read.")
        }
    }
}
