internal import Synchronization

/// How connections end. `finish` is polite: a close frame, then the peer's end or a deadline. `doom` is final: the row is
/// taken away at the end of the turn.
extension PushLoop {
    /// Ends a connection with a code. What waits is dropped, but for a frame that is half sent.
    /// - Parameter counted: the code in the statistics, where it is another one.
    func finish(_ row: UInt32, code: UInt16, countedAs counted: UInt16? = nil, reason: String) {
        guard isServing(row) else { return }
        removeSubscriptions(of: row)
        dropQueue(of: row, onlyData: false)
        connections[row].session.closeBegun()
        connections[row].flags.insert(.isFinishing)
        count(close: counted ?? code, row)
        if connections[row].transport.isWebSocket {
            send(FrameParts(bytes: WebSocketFrameHeader.close(code: code, reason: reason)), to: row)
        } else {
            send(ServerMessage.closing(code: code, reason: reason), type: "close", to: row)
        }
        awaitEnd(row)
    }

    /// Ends a WebSocket connection with a code, after the answers that wait for it.
    func finishAfterQueue(_ row: UInt32, code: UInt16, reason: String) {
        guard isServing(row) else { return }
        removeSubscriptions(of: row)
        connections[row].session.closeBegun()
        connections[row].flags.insert(.isFinishing)
        count(close: code, row)
        send(FrameParts(bytes: WebSocketFrameHeader.close(code: code, reason: reason)), to: row)
        awaitEnd(row)
    }

    /// Ends a connection that never got further than HTTP: the response is all it gets.
    func finish(_ row: UInt32, response: [UInt8]) {
        statistics.connectionsRefused += 1
        connections[row].session.closeBegun()
        connections[row].flags.insert(.isFinishing)
        send(FrameParts(bytes: response), to: row)
        awaitEnd(row)
    }

    /// Ends a connection whose token is worth nothing any more. From now on it gets no data and is not listened to; being told
    /// costs a system call and the matcher's work, and is done in slices, since a whole crowd's tokens may end at once.
    func dismiss(_ row: UInt32, _ reason: Goodbye.Reason) {
        guard isServing(row) else { return }
        connections[row].flags.insert(.isDismissed)
        connections[row].expiryTick = 0
        dropQueue(of: row, onlyData: true)
        goodbyes.append(Goodbye(token: token(of: row), reason: reason))
    }

    /// Goodbyes in slices, so that they do not make the others wait.
    func sayGoodbyes() {
        if isDraining, now >= drainTick {
            for row in connections.indices where connections[row].flags.contains(.isActive) {
                doom(row, code: CloseCode.goingAway)
            }
            return
        }
        guard !goodbyes.isEmpty else { return }
        for goodbye in goodbyes.suffix(Self.burialsPerTurn) {
            guard let row = row(of: goodbye.token) else { continue }
            connections[row].flags.remove(.isDismissed)
            switch goodbye.reason {
            case .draining: goAway(row, retryAfterMilliseconds: retryDelay())
            case .expired: finish(row, code: CloseCode.unauthorized, reason: "the token has expired")
            case .revoked: finish(row, code: CloseCode.unauthorized, reason: "the token was revoked")
            }
        }
        goodbyes.removeLast(min(Self.burialsPerTurn, goodbyes.count))
    }

    func goAway(_ row: UInt32, retryAfterMilliseconds delay: Int) {
        guard isServing(row) else { return }
        if connections[row].transport == .eventSource {
            // What an EventSource waits before it reconnects.
            send(FrameParts(bytes: Array("retry: \(delay)\n\n".utf8)), to: row)
            finishStream(row)
        } else {
            finish(row, code: CloseCode.goingAway, reason: goodbye(in: delay))
        }
    }

    /// What a client is told to wait before it comes back: each another time, so that they do not come back at once.
    func retryDelay() -> Int { Int.random(in: configuration.retryAfterMilliseconds, using: &random) }

    /// The reason of a close frame with 1001.
    func goodbye(in delay: Int) -> String { "retry-after-ms=\(delay)" }

    /// Takes the connection away at the end of this turn.
    func doom(_ row: UInt32, code: UInt16) {
        guard connections[row].flags.contains(.isActive), !connections[row].flags.contains(.isDoomed) else { return }
        count(close: code, row)
        connections[row].flags.insert(.isDoomed)
        doomed.append(row)
    }

    func buryDoomed(max: Int) {
        guard !doomed.isEmpty else { return }
        for row in doomed.prefix(max) { bury(row) }
        doomed.removeFirst(min(max, doomed.count))
    }

    func isServing(_ row: UInt32) -> Bool {
        connections[row].flags.contains(.isActive)
            && connections[row].flags.isDisjoint(with: [.isDismissed, .isFinishing, .isDoomed])
    }

    func removeSubscriptions(of row: UInt32) {
        while connections[row].firstSubscription != Connection.none {
            removeSubscription(connections[row].firstSubscription)
        }
        setBehind(row, false)
    }

    private func finishStream(_ row: UInt32) {
        removeSubscriptions(of: row)
        connections[row].session.closeBegun()
        connections[row].flags.insert(.isFinishing)
        count(close: CloseCode.goingAway, row)
        awaitEnd(row)
    }

    private func awaitEnd(_ row: UInt32) {
        connections[row].phaseTick = tick(after: configuration.closeTimeout)
        setDeadline(row, connections[row].phaseTick)
        parsers[row] = nil
    }

    private func count(close code: UInt16, _ row: UInt32) {
        guard connections[row].closeCode == 0 else { return }
        connections[row].closeCode = code
        statistics.closes[code, default: 0] += 1
    }

    private func bury(_ row: UInt32) {
        removeSubscriptions(of: row)
        connections[row].headSent = 0
        dropQueue(of: row, onlyData: false)
        wheel.remove(row)
        parsers[row] = nil
        releaseGrant(of: row)
        if connections[row].peer != Connection.none {
            shared.addresses.leave(peers[connections[row].peer])
            peers.release(connections[row].peer)
        }
        sockets.close(connections[row].socket)
        shared.connectionCount.wrappingSubtract(1, ordering: .relaxed)
        if connections[row].transport.isWebSocket { statistics.webSockets -= 1 } else { statistics.eventSources -= 1 }
        let generation = connections[row].generation
        connections[row] = Connection()
        connections[row].generation = generation &+ 1
        connections.release(row)
    }
}

/// A connection that is to be told that it ends, when its turn comes.
struct Goodbye {
    enum Reason {
        /// The server goes: each client is told another time to come back. Until then it is served.
        case draining
        case expired
        case revoked
    }

    /// Of `PushLoop.token(of:)`: the connection may be gone by then.
    var token: UInt64
    var reason: Reason
}
