import CPushLoop
import Foundation

/// From nothing to a connection whose subscriptions are answered.
extension LoadLoop {
    func begin(_ row: Int) {
        rows[row].begun = now
        rows[row].phase = .connecting
        openingCount += 1
        let descriptor: CInt =
            if let source = plan.source(rows[row].number) {
                pushloop_connect(plan.numericHost, plan.address.port, source)
            } else {
                pushloop_connect(plan.numericHost, plan.address.port, nil)
            }
        guard descriptor >= 0 else { return unreachable(row, errno: -descriptor) }
        rows[row].descriptor = descriptor
        let added = pushloop_poller_add(poller, descriptor, PUSHLOOP_WRITABLE, UInt64(row))
        if added < 0 { unreachable(row, errno: -added) }
    }

    /// The socket says how connecting went.
    func connected(_ row: Int) {
        let result = pushloop_connect_result(rows[row].descriptor)
        guard result == 0 else { return unreachable(row, errno: -result) }
        let changed = pushloop_poller_change(poller, rows[row].descriptor, PUSHLOOP_READABLE, UInt64(row))
        guard changed >= 0 else { return unreachable(row, errno: -changed) }
        if let context = plan.tls {
            do {
                rows[row].tls = try TLSClient(
                    context: context, host: plan.address.host, address: plan.numericHost)
            } catch {
                return tlsFailed(row, error)
            }
        }
        rows[row].phase = .upgrading
        rows[row].nonce = (random.next(), random.next())
        let handshake = ClientHandshake(nonce: rows[row].nonce)
        transmit(row, handshake.request(to: plan.address, token: plan.token(rows[row].number)))
    }

    /// Bytes of the answer to the upgrade; what stands behind its head is frames.
    func upgradeReceived(_ row: Int, _ bytes: UnsafeRawBufferPointer) {
        rows[row].head += bytes
        switch ClientHandshake(nonce: rows[row].nonce).answer(rows[row].head) {
        case .incomplete: return
        case .upgraded(let headBytes):
            figures.connecting.record(now - rows[row].begun)
            rows[row].phase = .greeting
            let rest = rows[row].head[headBytes...]
            rows[row].head = []
            Array(rest).withUnsafeBytes { framesReceived(row, $0) }
        case .refused(let status, let reason): end(row, .refused, code: "\(status)", reason)
        case .malformed(let reason): end(row, .violation, reason)
        }
    }

    /// The peer sends nothing more.
    func inputEnded(_ row: Int, errno: CInt) {
        let text = errno == 0 ? "the connection ended without a close frame" : String(cString: strerror(errno))
        guard rows[row].phase == .upgrading, errno == 0 else { return end(row, .cut, text) }
        if rows[row].tls != nil, rows[row].head.isEmpty {
            return end(row, .unreachable, code: "TLS", "it ended within the TLS handshake: is it a TLS port?")
        }
        switch ClientHandshake(nonce: rows[row].nonce).answer(rows[row].head, isEnded: true) {
        case .refused(let status, let reason): end(row, .refused, code: "\(status)", reason)
        case .malformed(let reason): end(row, .violation, reason)
        case .incomplete, .upgraded: end(row, .cut, text)
        }
    }

    /// A message that is no event.
    func messageReceived(_ row: Int, _ message: ServerText) {
        switch message.kind {
        case .welcome: welcomed(row, message)
        case .subscribed: subscriptionAnswered(row, message)
        case .error: errorReceived(row, message)
        case .gap:
            guard let channel = message.channel, let index = plan.channels.firstIndex(of: channel) else {
                return figures.unreadableCount += 1
            }
            figures.ledger.declaredGap(rows[row].firstSubscription + index, upTo: message.place)
        case .other: return
        }
    }

    private func welcomed(_ row: Int, _ message: ServerText) {
        guard case .greeting = rows[row].phase else { return }
        rows[row].silenceMax = message.silenceMax
        rows[row].phase = .subscribing
        rows[row].unansweredCount = plan.channels.count
        rows[row].asked = now
        for text in plan.subscribeMessages(rows[row].number) {
            transmit(row, ClientFrame.text(text, mask: random.next()))
        }
    }

    private func subscriptionAnswered(_ row: Int, _ message: ServerText) {
        guard case .subscribing = rows[row].phase, let index = message.id, plan.channels.indices.contains(index) else {
            return figures.unreadableCount += 1
        }
        figures.subscribing.record(now - rows[row].asked)
        figures.ledger.accepted(rows[row].firstSubscription + index, at: message.place)
        answered(row)
    }

    private func errorReceived(_ row: Int, _ message: ServerText) {
        let code = message.code ?? "error"
        let example = message.message ?? ""
        if case .subscribing = rows[row].phase, let index = message.id, plan.channels.indices.contains(index) {
            rows[row].refusedCount += 1
            if rows[row].refusedCount == plan.channels.count {
                return end(row, .subscriptionRefused, code: code, example)
            }
            figures.subscriptionRefusals[code, default: .init(example: example)].count += 1
            return answered(row)
        }
        // A subscription that stood is taken away, or something is said of the connection: what it is, the code says.
        if let channel = message.channel, let index = plan.channels.firstIndex(of: channel) {
            figures.ledger.ended(rows[row].firstSubscription + index)
        }
        figures.subscriptionRefusals[code, default: .init(example: example)].count += 1
    }

    private func answered(_ row: Int) {
        rows[row].unansweredCount -= 1
        guard rows[row].unansweredCount == 0 else { return }
        rows[row].phase = .standing
        openingCount -= 1
        figures.standingCount += 1
    }

    private func unreachable(_ row: Int, errno: CInt) {
        let hint =
            errno == EADDRNOTAVAIL
            ? ": no port is left for this target (give more --source addresses), or a --source is not of this machine"
            : ""
        end(row, .unreachable, code: "\(errno)", String(cString: strerror(errno)) + hint)
    }
}
