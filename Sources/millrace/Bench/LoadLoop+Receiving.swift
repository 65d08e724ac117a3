import CPushLoop
import Foundation
import Synchronization

/// What comes on a connection, and what goes out on it.
extension LoadLoop {
    func received(_ row: Int, _ bytes: UnsafeRawBufferPointer) {
        guard let tls = rows[row].tls else { return plainReceived(row, bytes) }
        do {
            let plain = try tls.received(bytes)
            transmitSealed(row)
            plain.withUnsafeBytes { plainReceived(row, $0) }
        } catch {
            tlsFailed(row, error)
        }
    }

    private func plainReceived(_ row: Int, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        switch rows[row].phase {
        case .upgrading: upgradeReceived(row, bytes)
        case .greeting, .subscribing, .standing: framesReceived(row, bytes)
        case .waiting, .connecting, .ended: return
        }
    }

    func framesReceived(_ row: Int, _ bytes: UnsafeRawBufferPointer) {
        // Taken out, so that what a frame does to the row does not meet the reading of it.
        var reader = rows[row].reader
        rows[row].reader = ServerFrameReader()
        reader.receive(bytes) { frame in
            guard rows[row].phase != .ended else { return }
            frameReceived(row, frame)
        }
        if rows[row].phase != .ended { rows[row].reader = reader }
    }

    private func frameReceived(_ row: Int, _ frame: ServerFrame) {
        switch frame {
        case .text(let bytes): textReceived(row, bytes)
        case .ping(let payload): transmit(row, ClientFrame.pong(payload, mask: random.next()))
        case .pong: return
        case .close(let code, let reason): end(row, .closed, code: code.map { "\($0)" } ?? "none", reason)
        case .failure(let reason): end(row, .violation, "it sent \(reason)")
        }
    }

    private func textReceived(_ row: Int, _ bytes: UnsafeRawBufferPointer) {
        let first = rows[row].firstSubscription
        for index in channels.indices {
            let (group, expected) = figures.ledger.expected(first + index)
            guard let scan = recent.find(group: group, index: expected, bytes) else { continue }
            _ = delivered(first + index, scan)
            return
        }
        guard let scan = EventScan(bytes) else { return figures.unreadableCount += 1 }
        switch scan.kind {
        case .event, .left:
            guard let index = channels.firstIndex(of: scan.channel) else { return figures.unreadableCount += 1 }
            guard delivered(first + index, scan) == .new else { return }
            // A new one is the last of what the subscription has.
            let (group, next) = figures.ledger.expected(first + index)
            recent.keep(scan, group: group, index: next - 1, bytes)
        case .message:
            guard let message = ServerText(bytes) else { return figures.unreadableCount += 1 }
            messageReceived(row, message)
        }
    }

    private func delivered(_ subscription: Int, _ scan: EventScan) -> Ledger.Receipt {
        if scan.kind == .left { figures.leftCount += 1 }
        let arrival = RunClock.since1970(now)
        let receipt = figures.ledger.received(subscription, scan.key, at: arrival)
        guard receipt != .duplicate, let commit = scan.commitMilliseconds,
            control.isMeasuring.load(ordering: .relaxed), commit * 1_000 <= control.cut.load(ordering: .relaxed)
        else { return receipt }
        let latency = arrival - commit * 1_000
        figures.latency.record(latency)
        if !commit.isMultiple(of: 1_000) { figures.subsecondCount += 1 }
        delivered(latency: latency)
        return receipt
    }

    func transmit(_ row: Int, _ bytes: [UInt8]) {
        guard let tls = rows[row].tls else {
            rows[row].output += bytes
            return flush(row)
        }
        tls.send(bytes)
        transmitSealed(row)
    }

    private func transmitSealed(_ row: Int) {
        guard let tls = rows[row].tls else { return }
        do {
            rows[row].output += try tls.takeOutbound()
            flush(row)
        } catch {
            tlsFailed(row, error)
        }
    }

    /// Until the upgrade is answered TLS has not come about; later it is a connection that ends.
    func tlsFailed(_ row: Int, _ error: any Error) {
        switch rows[row].phase {
        case .waiting, .connecting, .upgrading: end(row, .unreachable, code: "TLS", "\(error)")
        case .greeting, .subscribing, .standing, .ended: end(row, .cut, "\(error)")
        }
    }

    func flush(_ row: Int) {
        guard !rows[row].output.isEmpty else { return }
        let sent = rows[row].output.withUnsafeBytes {
            pushloop_send(rows[row].descriptor, $0.baseAddress, $0.count)
        }
        if sent < 0, sent != -Int(EAGAIN), sent != -Int(EINTR) {
            // What the server still had to say stands in the socket: reading it tells why it has gone.
            rows[row].output = []
            return
        }
        if sent > 0 { rows[row].output.removeFirst(sent) }
        let isBlocked = !rows[row].output.isEmpty
        guard isBlocked != rows[row].isBlocked else { return }
        rows[row].isBlocked = isBlocked
        // A failed change leaves the socket readable, and its end is seen there.
        _ = pushloop_poller_change(
            poller, rows[row].descriptor, isBlocked ? PUSHLOOP_READABLE | PUSHLOOP_WRITABLE : PUSHLOOP_READABLE,
            UInt64(row))
    }
}
