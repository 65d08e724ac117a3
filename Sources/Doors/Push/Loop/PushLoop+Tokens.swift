internal import Matching
internal import SOQL

/// Tokens: what a connection holds, a fresh one in its place, and revocation.
extension PushLoop {
    func verify(_ token: String) throws(TokenError) -> Grant {
        try shared.verify(token)
    }

    func authenticate(_ row: UInt32, id: MessageID?, token: String) {
        let grant: Grant
        do {
            grant = try verify(token)
        } catch {
            switch connections[row].session.tokenRefused(error) {
            case .comeBack:
                answer(row, id: id, RequestError(.unavailable, error.message))
                finishAfterQueue(row, code: CloseCode.goingAway, reason: goodbye(in: retryDelay()))
            case .close(let code, let reason):
                answer(row, id: id, RequestError(.unauthorized, error.message))
                finishAfterQueue(row, code: code, reason: reason)
            case .answer(let refusal):
                answer(row, id: id, refusal)
            }
            return
        }
        if connections[row].session.state == .open {
            replace(row, id: id, by: grant)
        } else {
            accept(grant, id: id, for: row)
        }
    }

    /// The first token of a WebSocket connection.
    func accept(_ grant: Grant, id: MessageID?, for row: UInt32) {
        guard !grant.allow.isEmpty else {
            return finishAfterQueue(row, code: CloseCode.forbidden, reason: "the token allows nothing")
        }
        guard shared.subjects.enter(grant.subject, max: configuration.connectionsPerSubjectMax) else {
            return finishAfterQueue(
                row, code: CloseCode.tooManyRequests, reason: "too many connections of this subject")
        }
        _ = connections[row].session.tokenAccepted()
        connections[row].phaseTick = 0
        hold(grant, for: row)
        if let id {
            send(ServerMessage.authenticated(id: id, expiresAt: grant.expiresAt), type: "authenticated", to: row)
        }
    }

    /// Puts the grant on the row; the subject has been counted.
    func hold(_ grant: Grant, for row: UInt32) {
        connections[row].flags.insert(.hasGrant)
        connections[row].subject = subjects.acquire(grant.subject)
        connections[row].grant = grants.acquire(grant.allow)
        holdTimes(grant, for: row)
    }

    func releaseGrant(of row: UInt32) {
        guard connections[row].flags.contains(.hasGrant) else { return }
        connections[row].flags.remove(.hasGrant)
        shared.subjects.leave(subjects[connections[row].subject])
        subjects.release(connections[row].subject)
        grants.release(connections[row].grant)
    }

    /// Ends the connections whose token is worth nothing any more, at once: what waits is not sent, also where the connection was
    /// ending already, and a frame that is half sent is cut. Only the goodbyes are said in slices.
    func revoke(_ revocation: Revocation) {
        for row in connections.indices {
            guard connections[row].flags.contains(.isActive), connections[row].flags.contains(.hasGrant),
                isMeant(row, by: revocation)
            else { continue }
            let isHalfSent = connections[row].headSent > 0
            if isServing(row) {
                dismiss(row, .revoked)
            } else {
                dropQueue(of: row, onlyData: true)
            }
            if isHalfSent { doom(row, code: CloseCode.unauthorized) }
        }
    }

    private func isMeant(_ row: UInt32, by revocation: Revocation) -> Bool {
        switch revocation {
        case .subject(let subject, let time):
            connections[row].issuedAt <= time && connections[row].subject == subjects.index(of: subject)
        case .tokenID(let id): connections[row].tokenHash == Self.hash(ofTokenID: id)
        case .everything(let time): connections[row].issuedAt <= time
        }
    }

    /// Never 0. Seeded per process, so that nobody can choose two ids with the same one.
    private static func hash(ofTokenID id: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(id)
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }

    /// A fresh token on an open connection. What the new one allows less takes effect now: waiting frames are taken back and
    /// judged again, from the log, by the new terms.
    private func replace(_ row: UInt32, id: MessageID?, by grant: Grant) {
        guard grant.subject == subjects[connections[row].subject] else {
            return answer(row, id: id, RequestError(.unauthorized, "the new token is of another subject"))
        }
        guard !grant.allow.isEmpty else {
            return finish(row, code: CloseCode.forbidden, reason: "the token allows nothing")
        }
        let old = connections[row].grant
        let isSame = grants[old] == grant.allow
        connections[row].grant = grants.acquire(grant.allow)
        grants.release(old)
        holdTimes(grant, for: row)
        if !isSame { reviseSubscriptions(of: row) }
        if let id {
            send(ServerMessage.authenticated(id: id, expiresAt: grant.expiresAt), type: "authenticated", to: row)
        }
    }

    private func reviseSubscriptions(of row: UInt32) {
        let allow = grants[connections[row].grant]
        dropQueue(of: row, onlyData: true) { slot, place in
            // Back to before the first frame that was taken away.
            let before = LogPlace(rawValue: place.rawValue - 1)
            if subscriptions[slot].state == .live {
                subscriptions[slot].state = .behind
                subscriptions[slot].place = before
            } else {
                subscriptions[slot].place = min(subscriptions[slot].place, before)
            }
            setBehind(row, true)
        }
        var slot = connections[row].firstSubscription
        while slot != Connection.none {
            let next = subscriptions[slot].next
            let key = classes[.init(rawValue: subscriptions[slot].frameClass)]
            let own =
                subscriptions[slot].ownCondition == Connection.none
                ? nil : ownConditions[subscriptions[slot].ownCondition]
            do {
                let terms = try SubscriptionTerms(
                    channel: key.channel, ownCondition: own, allow: allow, tracked: tracked,
                    virtual: configuration.virtualChannels)
                enroll(slot, terms: terms, form: key.form)
            } catch {
                removeSubscription(slot)
                answer(row, id: nil, error, channel: key.channel)
            }
            slot = next
        }
        if connections[row].flags.contains(.isBehind) { schedule(row) }
    }

    private func holdTimes(_ grant: Grant, for row: UInt32) {
        connections[row].issuedAt = grant.issuedAt ?? 0
        connections[row].tokenHash = grant.tokenID.map(Self.hash(ofTokenID:)) ?? 0
        let remaining = max(0, grant.expiresAt - WallClock.seconds())
        connections[row].expiryTick = tick(after: .seconds(min(remaining, Self.expirySecondsMax)))
        setDeadline(row, connections[row].expiryTick)
    }

    /// Ten years of ticks fit; a token of more is cut there.
    private static let expirySecondsMax: Int64 = 10 * 365 * 86_400
}
