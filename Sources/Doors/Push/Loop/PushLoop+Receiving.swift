internal import CPushLoop
internal import Synchronization

/// From a taken connection to messages, and from messages to what they ask for.
extension PushLoop {
    /// Answers and pongs that may wait for a client that does not read: seconds of the fastest that is allowed.
    static let answersWaitingMax: UInt32 = 256

    func adopt(_ adopted: AdoptedSocket, _ request: TakeoverRequest, _ leftover: [UInt8], peer: String? = nil) {
        let row = connections.allocate()
        var connection = Connection()
        connection.socket = sockets.register(adopted)
        connection.generation = connections[row].generation &+ 1
        connection.flags = .isActive
        connection.transport = request.path == PushHandshake.webSocketPath ? .webSocket : .eventSource
        connections[row] = connection
        statistics.connectionsAccepted += 1
        if connection.transport.isWebSocket { statistics.webSockets += 1 } else { statistics.eventSources += 1 }
        let count = shared.connectionCount.wrappingAdd(1, ordering: .relaxed).newValue
        let userTimeout = CUnsignedInt(clamping: configuration.stallTimeout.components.seconds * 1000)
        guard sockets.begin(connection.socket, token: token(of: row), userTimeoutMilliseconds: userTimeout) else {
            return doom(row, code: CloseCode.abnormal)
        }
        guard count <= configuration.connectionsMax, !isDraining else {
            return finish(
                row, response: HTTPAnswer.unavailable("too many connections", retryAfterMilliseconds: retryDelay()))
        }
        if let peer, let max = configuration.connectionsPerAddressMax {
            guard shared.addresses.enter(peer, max: max) else {
                return finish(
                    row,
                    response: HTTPAnswer.error(
                        429, RequestError(.unavailable, "too many connections from this address")))
            }
            connections[row].peer = peers.acquire(peer)
        }
        let handshake = PushHandshake(
            allowedOrigins: shared.origins.withLock { $0 }, allowsTokenInQuery: configuration.allowsTokenInQuery,
            allowsCompression: configuration.compresses)
        switch handshake.answer(request) {
        case .respond(let response):
            finish(row, response: response)
        case .webSocket(let head, let token, let isBrowserToken, let isCompressed):
            if isCompressed { connections[row].transport = .compressedWebSocket }
            openWebSocket(row, head: head, token: token, isBrowserToken: isBrowserToken)
            leftover.withUnsafeBytes { received($0, from: row) }
        case .eventSource(let head, let token, let origin, let requests):
            openEventSource(row, head: head, token: token, origin: origin, requests)
        }
    }

    private func openWebSocket(_ row: UInt32, head: [UInt8], token: String?, isBrowserToken: Bool) {
        var grant: Grant?
        if let token {
            do {
                grant = try verify(token)
            } catch {
                guard isBrowserToken else { return finish(row, response: refusal(of: error, origin: nil)) }
                send(FrameParts(bytes: head), to: row)
                guard error.code != .notReady else {
                    return finishAfterQueue(row, code: CloseCode.goingAway, reason: goodbye(in: retryDelay()))
                }
                return finishAfterQueue(row, code: CloseCode.unauthorized, reason: error.message)
            }
        }
        send(FrameParts(bytes: head), to: row)
        send(
            ServerMessage.welcome(heartbeatSeconds: max(1, configuration.heartbeat.components.seconds)),
            type: "welcome", to: row)
        setFirstHeartbeat(row)
        if let grant {
            accept(grant, id: nil, for: row)
        } else {
            connections[row].phaseTick = tick(after: configuration.authenticationTimeout)
            setDeadline(row, connections[row].phaseTick)
        }
    }

    /// The HTTP answer to a token that is not accepted; 503 where the token may be good and the keys are missing.
    private func refusal(of error: TokenError, origin: String?) -> [UInt8] {
        error.code == .notReady
            ? HTTPAnswer.unavailable(error.message, retryAfterMilliseconds: retryDelay(), origin: origin)
            : HTTPAnswer.unauthorized(error.message, origin: origin)
    }

    /// - Parameter origin: of the page that asks, which may then read refusals too.
    private func openEventSource(
        _ row: UInt32, head: [UInt8], token: String, origin: String?, _ requests: [SubscribeRequest]
    ) {
        let grant: Grant
        do {
            grant = try verify(token)
        } catch {
            return finish(row, response: refusal(of: error, origin: origin))
        }
        guard requests.count <= configuration.subscriptionsPerConnectionMax else {
            return finish(
                row,
                response: HTTPAnswer.error(
                    400, RequestError(.tooManySubscriptions, "too many channels"), origin: origin))
        }
        // Refusals are HTTP errors, and only whole: every channel is looked at before the stream begins.
        do {
            for request in requests { _ = try terms(request, allow: grant.allow) }
        } catch {
            let status =
                error.code == .unknownChannel
                ? 404 : error.code == .forbiddenChannel || error.code == .forbiddenField ? 403 : 400
            return finish(row, response: HTTPAnswer.error(status, error, origin: origin))
        }
        guard shared.subjects.enter(grant.subject, max: configuration.connectionsPerSubjectMax) else {
            return finish(
                row,
                response: HTTPAnswer.error(
                    429, RequestError(.unavailable, "too many connections of this subject"), origin: origin))
        }
        send(FrameParts(bytes: head), to: row)
        send(
            ServerMessage.welcome(heartbeatSeconds: max(1, configuration.heartbeat.components.seconds)),
            type: "welcome", to: row)
        _ = connections[row].session.tokenAccepted()
        hold(grant, for: row)
        setFirstHeartbeat(row)
        for request in requests { subscribe(row, id: nil, request) }
    }

    func readable(_ row: UInt32) {
        // Four reads: a peer that never stops must not keep the others waiting.
        for _ in 0..<4 {
            guard connections[row].flags.contains(.isActive), !connections[row].flags.contains(.isDoomed) else {
                return
            }
            let count = sockets.receive(connections[row].socket, into: receiveBuffer)
            guard count > 0 else {
                if count == SocketAnswer.wouldBlock || count == SocketAnswer.interrupted { return }
                return doom(row, code: CloseCode.abnormal)
            }
            connections[row].flags.remove(.awaitsPong)
            connections[row].pongTick = 0
            // A subscriber of an event stream has nothing more to say; a connection that ends is not listened to.
            if connections[row].transport.isWebSocket, isServing(row) {
                received(UnsafeRawBufferPointer(rebasing: receiveBuffer[..<count]), from: row)
            }
            if count < receiveBuffer.count { return }
        }
        sockets.receiveLater(connections[row].socket)
    }

    private func received(_ bytes: UnsafeRawBufferPointer, from row: UInt32) {
        guard !bytes.isEmpty, isServing(row) else { return }
        // All that most clients ever send.
        if WebSocketFrameHeader.isEmptyPong(bytes), parsers.isEmpty || parsers[row] == nil { return handle(.pong, row) }
        var parser =
            parsers.removeValue(forKey: row)
            ?? WebSocketFrameParser(
                messageBytesMax: configuration.messageBytesMax,
                allowsCompression: connections[row].transport == .compressedWebSocket)
        var outputs: [WebSocketFrameParser.Output] = []
        parser.receive(bytes) { outputs.append($0) }
        if !parser.isIdle { parsers[row] = parser }
        for output in outputs {
            guard isServing(row) else { return }
            handle(output, row)
        }
    }

    private func handle(_ output: WebSocketFrameParser.Output, _ row: UInt32) {
        statistics.messagesReceived += 1
        guard countMessage(row) else {
            return finish(
                row, code: CloseCode.tooManyRequests,
                reason: "more than \(configuration.messagesPerSecondMax) messages a second")
        }
        guard !asksWithoutReading(row) else {
            return finish(row, code: CloseCode.tooSlow, reason: "answers are not read")
        }
        switch output {
        case .text(let json):
            let message = Result { () throws(ClientMessage.Malformed) in try ClientMessage(json: json) }
            perform(connections[row].session.messageReceived(message), row)
        case .binary:
            finish(row, code: CloseCode.unsupportedData, reason: "messages are text")
        case .ping(let payload):
            send(FrameParts(bytes: WebSocketFrameHeader.frame(.pong, payload)), to: row)
        case .pong:
            break
        case .close(let code):
            // A client may make up codes from 3000 on: echoed, but not counted each by itself.
            let code = code ?? CloseCode.normal
            finish(row, code: code, countedAs: code < 3000 ? code : CloseCode.normal, reason: "")
        case .failure(let code, let reason):
            finish(row, code: code, reason: reason)
        }
    }

    /// Data stops at the bound of the queue; answers come as often as the client asks, so they have a bound of their own.
    private func asksWithoutReading(_ row: UInt32) -> Bool {
        guard connections[row].queueCount > Self.answersWaitingMax else { return false }
        var answers: UInt32 = 0
        var entry = connections[row].queueHead
        while entry != OutQueue.none {
            if queue[entry].subscription == OutQueue.noSubscription { answers += 1 }
            entry = queue[entry].next
        }
        return answers > Self.answersWaitingMax
    }

    /// False when the client sends faster than it may.
    private func countMessage(_ row: UInt32) -> Bool {
        if now - connections[row].rateTick >= UInt32(1000 / Self.tickMilliseconds) {
            connections[row].rateTick = now
            connections[row].rateCount = 0
        }
        connections[row].rateCount += 1
        return connections[row].rateCount <= UInt32(configuration.messagesPerSecondMax)
    }

    private func perform(_ action: PushSession.MessageAction, _ row: UInt32) {
        switch action {
        case .verify(let id, let token): authenticate(row, id: id, token: token)
        case .subscribe(let id, let request): subscribe(row, id: id, request)
        case .unsubscribe(let id, let channel): unsubscribe(row, id: id, channel: channel)
        case .pong: send(ServerMessage.pong(), type: "pong", to: row)
        case .answer(let id, let error): answer(row, id: id, error)
        // The machine has closed itself already; what is queued, the answers to the messages before, still goes out.
        case .close(let code, let reason): finishAfterQueue(row, code: code, reason: reason)
        case .none: break
        }
    }

    func answer(_ row: UInt32, id: MessageID?, _ error: RequestError, channel: String? = nil) {
        statistics.errorsAnswered += 1
        send(ServerMessage.error(id: id, error, channel: channel), type: "error", to: row)
    }
}
