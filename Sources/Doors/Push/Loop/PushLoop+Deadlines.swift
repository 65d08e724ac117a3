/// Everything that happens by the clock. A connection has one entry in the wheel, at its earliest deadline or before it; when
/// the entry fires the row says what is due.
extension PushLoop {
    func setDeadline(_ row: UInt32, _ tick: UInt32) {
        if let set = wheel.tick(of: row), set <= tick { return }
        wheel.set(row, at: tick)
    }

    func advanceDeadlines() {
        var fired: [UInt32] = []
        wheel.advance(to: now, into: &fired)
        for row in fired where connections[row].flags.contains(.isActive) {
            act(row)
            rearm(row)
        }
    }

    /// The first heartbeat comes early for some and late for others, so that a crowd that came at once is not pinged at once.
    func setFirstHeartbeat(_ row: UInt32) {
        let whole = tick(after: configuration.heartbeat) - now
        connections[row].heartbeatTick = now + UInt32.random(in: max(1, whole / 2)...whole, using: &random)
        setDeadline(row, connections[row].heartbeatTick)
    }

    private func act(_ row: UInt32) {
        func isDue(_ tick: UInt32) -> Bool { tick != 0 && tick <= now }
        let connection = connections[row]
        if isDue(connection.phaseTick) {
            guard !connection.flags.contains(.isFinishing) else { return doom(row, code: CloseCode.abnormal) }
            connections[row].phaseTick = 0
            finish(row, code: CloseCode.unauthorized, reason: "no token came in time")
        } else if !connection.flags.isDisjoint(with: [.isFinishing, .isDismissed]) {
            return
        } else if isDue(connection.expiryTick) {
            dismiss(row, .expired)
        } else if isDue(connection.stallTick), connection.flags.contains(.isBlocked) {
            finish(row, code: CloseCode.tooSlow, reason: "nothing was read for too long")
        } else if isDue(connection.pongTick), connection.flags.contains(.awaitsPong) {
            doom(row, code: CloseCode.abnormal)
        } else if isDue(connection.heartbeatTick) {
            heartbeat(row)
        }
    }

    private func rearm(_ row: UInt32) {
        let connection = connections[row]
        guard !connection.flags.contains(.isDoomed) else { return }
        var earliest = UInt32.max
        for tick in [
            connection.phaseTick, connection.expiryTick, connection.stallTick, connection.pongTick,
            connection.heartbeatTick,
        ] where tick != 0 { earliest = min(earliest, tick) }
        if earliest != .max { setDeadline(row, earliest) }
    }

    /// A sign of life, and to quiet subscriptions the place they have reached. A blocked connection has its own deadline.
    private func heartbeat(_ row: UInt32) {
        connections[row].heartbeatTick = tick(after: configuration.heartbeat)
        guard !connections[row].flags.contains(.isBlocked) else { return }
        switch connections[row].transport {
        case .eventSource:
            append(commentFrame, to: row)
        case .webSocket, .compressedWebSocket:
            append(pingFrame, to: row)
            if !connections[row].flags.contains(.awaitsPong) {
                connections[row].flags.insert(.awaitsPong)
                connections[row].pongTick = tick(after: configuration.pongTimeout)
            }
        }
        var slot = connections[row].firstSubscription
        while slot != Connection.none {
            checkpoint(slot)
            slot = subscriptions[slot].next
        }
    }
}
