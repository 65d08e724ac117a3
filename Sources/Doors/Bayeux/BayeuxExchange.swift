internal import ChangeEvents
internal import Crypto
internal import Foundation
internal import Logging
internal import NIOCore
internal import Store

/// One HTTP request of a client and its response: the messages in their order, the connect last, because its answer may be
/// held. Used by one task.
struct BayeuxExchange {
    let service: any BayeuxService
    let sessions: BayeuxSessions
    let schemas: BayeuxSchemas
    let encodings: BayeuxEncodings
    let timing: BayeuxSession.Timing
    let apiVersion: Int
    let token: String
    /// The session cookie that came with the request.
    let cookie: String?
    let faults: (any FaultOracle)?
    let logger: Logger
    /// The cookie of a session that began here.
    private(set) var newCookie: String?

    init(
        service: any BayeuxService, sessions: BayeuxSessions, schemas: BayeuxSchemas, encodings: BayeuxEncodings,
        timing: BayeuxSession.Timing, apiVersion: Int, token: String, cookie: String?, faults: (any FaultOracle)?,
        logger: Logger
    ) {
        self.service = service
        self.sessions = sessions
        self.schemas = schemas
        self.encodings = encodings
        self.timing = timing
        self.apiVersion = apiVersion
        self.token = token
        self.cookie = cookie
        self.faults = faults
        self.logger = logger
    }

    /// The body of the response; nil when another connect of the same session has overtaken this one.
    mutating func answer(_ messages: [BayeuxMessage]) async -> ByteBuffer? {
        let now = service.now()
        sessions.sweep(now: now)
        let standing = await service.standing(ofToken: token)
        var replies: [JSONValue] = []
        var connect: BayeuxMessage?
        for message in messages {
            if message.channel == BayeuxMessage.connect, connect == nil {
                connect = message
                continue
            }
            replies += await reply(to: message, standing, now: now)
        }
        guard let connect else { return BayeuxReply.body(events: [], replies: replies) }
        do throws(BayeuxError) {
            guard let (events, reply) = try await self.connect(connect, standing, now: now) else { return nil }
            return BayeuxReply.body(events: events, replies: replies + [reply])
        } catch {
            return BayeuxReply.body(events: [], replies: replies + [BayeuxReply.failure(connect, error)])
        }
    }

    private mutating func reply(
        to message: BayeuxMessage, _ standing: TokenStanding, now: Int64
    ) async -> [JSONValue] {
        do throws(BayeuxError) {
            switch message.channel {
            case nil:
                throw .channelMissing
            case BayeuxMessage.handshake:
                return [try handshake(message, standing, now: now)]
            case BayeuxMessage.connect:
                throw BayeuxError("400::A request can hold one \(BayeuxMessage.connect) only")
            case BayeuxMessage.subscribe:
                return try await subscribe(message, session(of: message, standing, now: now))
            case BayeuxMessage.unsubscribe:
                return try unsubscribe(message, session(of: message, standing, now: now))
            case BayeuxMessage.disconnect:
                let session = try session(of: message, standing, now: now)
                sessions.disconnected(session.clientID)
                return [BayeuxReply.success(message)]
            case let channel? where channel.hasPrefix("/meta/"):
                throw .restricted(channel)
            case .some:
                _ = try session(of: message, standing, now: now)
                throw .notPublishable
            }
        } catch {
            return [BayeuxReply.failure(message, error)]
        }
    }

    private mutating func handshake(
        _ message: BayeuxMessage, _ standing: TokenStanding, now: Int64
    ) throws(BayeuxError) -> JSONValue {
        guard case .valid(let owner) = standing else { throw .handshakeDenied(.authenticationInvalid) }
        if let types = message.supportedConnectionTypes, !types.contains(BayeuxMessage.longPolling) {
            throw .invalidConnectionType(types.joined(separator: ","))
        }
        // Who has gone must not count against who comes.
        sessions.sweep(now: now, isForced: true)
        var caller = owner
        let clientID = Self.random()
        caller.client = clientID
        do throws(EventBusError) {
            try service.clientOpened(clientID, caller: caller)
        } catch {
            let reason = BayeuxError(error, channel: BayeuxMessage.handshake)
            throw .handshakeDenied(reason)
        }
        let cookie = self.cookie ?? newCookie ?? Self.random()
        let session = BayeuxSession(
            clientID: clientID, caller: caller, cookie: cookie, hasReplay: message.wantsReplay, timing: timing, now: now
        )
        do throws(BayeuxError) {
            try sessions.open(session)
        } catch {
            service.clientClosed(clientID, caller: caller)
            throw .handshakeDenied(error)
        }
        newCookie = cookie
        return BayeuxReply.success(message) { reply in
            reply.add("clientId", .string(clientID))
            reply.add("version", .string("1.0"))
            reply.add("minimumVersion", .string("1.0"))
            reply.add("supportedConnectionTypes", .array([.string(BayeuxMessage.longPolling)]))
            reply.addReplayExtension()
        }
    }

    /// The session that a message speaks of, if its sender may use it.
    func session(
        of message: BayeuxMessage, _ standing: TokenStanding, now: Int64
    ) throws(BayeuxError) -> BayeuxSession {
        guard let clientID = message.clientID else { throw .noHandshake }
        let user: BusCaller
        switch standing {
        case .valid(let caller), .expired(let caller): user = caller
        case .unknown: throw .authenticationInvalid
        }
        guard var session = sessions.session(clientID, now: now) else { throw .unknownClient }
        guard session.caller.userID == user.userID else { throw .otherUser }
        guard let cookie = cookie ?? newCookie else {
            throw .noCookie(BayeuxDoor.sessionCookie, client: clientID)
        }
        guard cookie == session.cookie else { throw .unknownClient }
        // A fresh token takes the place of the one before.
        if let grant = user.pass?.grant { session.caller.pass?.grant = grant }
        return session
    }

    private func subscribe(
        _ message: BayeuxMessage, _ session: BayeuxSession
    ) async throws(BayeuxError) -> [JSONValue] {
        guard !message.subscriptions.isEmpty else { throw .channelMissing }
        var replies: [JSONValue] = []
        for channel in message.subscriptions {
            do throws(BayeuxError) {
                try Self.check(channel)
                let start = session.hasReplay ? try message.start(of: channel) : .latest
                let position: Position
                do throws(EventBusError) {
                    position = try await service.startChannel(channel, from: start, caller: session.caller)
                } catch {
                    throw BayeuxError(error, channel: channel, start: start)
                }
                try sessions.subscribed(session.clientID, to: channel, at: position)
                replies.append(
                    BayeuxReply.success(message) { reply in
                        reply.add("subscription", .string(channel))
                        if session.hasReplay { reply.addReplayExtension() }
                    })
            } catch {
                replies.append(BayeuxReply.failure(message, error, subscription: channel))
            }
        }
        return replies
    }

    private func unsubscribe(_ message: BayeuxMessage, _ session: BayeuxSession) throws(BayeuxError) -> [JSONValue] {
        guard !message.subscriptions.isEmpty else { throw .channelMissing }
        return message.subscriptions.map { channel in
            guard sessions.unsubscribed(session.clientID, from: channel) else {
                let error = BayeuxError("400::The client is not subscribed to \(channel)")
                return BayeuxReply.failure(message, error, subscription: channel)
            }
            return BayeuxReply.success(message) { $0.add("subscription", .string(channel)) }
        }
    }

    /// Channels that no subscription can have, whatever the org knows.
    private static func check(_ channel: String) throws(BayeuxError) {
        guard !channel.isEmpty else { throw .channelMissing }
        guard channel.hasPrefix("/") else { throw .relativeChannel(channel) }
        if channel.hasPrefix("/meta/") || channel.hasPrefix("/service/") || channel.contains("*") {
            throw .restricted(channel)
        }
        guard ["/data/", "/event/", "/topic/", "/u/", "/systemTopic/"].contains(where: channel.hasPrefix) else {
            throw .cannotCreate(channel)
        }
    }

    /// 26 characters that nobody guesses.
    private static func random() -> String {
        SymmetricKey(size: .init(bitCount: 160)).withUnsafeBytes { bytes in
            bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        }
    }
}
