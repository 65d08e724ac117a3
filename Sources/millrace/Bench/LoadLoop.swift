import CPushLoop
import Foundation
import Synchronization

/// A thread that holds connections: its poller, their rows and their ledger. The shell around the pure parts (handshake, frames,
/// scan, ledger). Made on its own thread and never seen by another; what leaves it are the figures.
///
/// A connection is a row: no task, no timer and, while nothing is half received, no buffer.
final class LoadLoop {
    /// Its poller and its wakeup.
    static let descriptorsPerLoop = 2
    private static let wakeupToken = UInt64.max
    private static let eventsPerTurn = 256
    private static let receiveBytes = 256 * 1024
    /// Connections that have begun and do not stand yet: a server's own queue of them is bounded too.
    private static let openingMax = 1_000
    private static let deadlineInterval: Int64 = 250_000
    private static let turnMilliseconds: CInt = 10

    let plan: BenchPlan
    let control: LoadControl
    let poller: CInt
    var rows: [LoadConnection]
    var figures = LoadFigures()
    var recent: RecentPayloads
    /// By fingerprint, where a plan has several.
    let channels: [UInt64]
    var random = SystemRandomNumberGenerator()
    var openingCount = 0
    private var begunCount = 0
    private var endedCount = 0
    private var slowest: Int64 = 0
    private var deadlinesChecked: Int64 = 0
    private var isFinished = false
    private let connectionsPerSecond: Double
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytes, alignment: 16)
    private let events = UnsafeMutablePointer<pushloop_event>.allocate(capacity: eventsPerTurn)
    /// Readings of the monotonic clock: at the beginning, and of what happens now.
    private let start = RunClock.monotonic()
    var now: Int64

    /// - Parameters:
    ///   - numbers: its connections.
    ///   - share: its part of all, by which it begins connections.
    init(plan: BenchPlan, numbers: [Int], share: Double, control: LoadControl) {
        self.plan = plan
        self.control = control
        poller = pushloop_poller_create()
        guard poller >= 0, pushloop_poller_add(poller, control.wakeup, PUSHLOOP_READABLE, Self.wakeupToken) >= 0 else {
            preconditionFailure("a system that had a descriptor for the wakeup has one for its poller")
        }
        channels = plan.channels.map { Fingerprint($0).value }
        var ledger = Ledger()
        rows = numbers.map { number in
            let subscriptions = plan.terms(number).map { ledger.add($0, connection: number) }
            return LoadConnection(number: number, firstSubscription: subscriptions[0])
        }
        var sizes = Array(repeating: 0, count: ledger.groups.count)
        for subscription in ledger.subscriptions { sizes[subscription.group] += 1 }
        recent = RecentPayloads(groupSizes: sizes)
        figures.ledger = ledger
        connectionsPerSecond = plan.connectionsPerSecond * share
        now = start
    }

    deinit {
        buffer.deallocate()
        events.deallocate()
        _ = pushloop_close(poller)
    }

    /// Until it is told to finish.
    func run() {
        while !isFinished {
            let count = pushloop_poller_wait(poller, events, CInt(Self.eventsPerTurn), Self.turnMilliseconds)
            guard count >= 0 else { preconditionFailure("the poller failed: errno \(-count)") }
            now = RunClock.monotonic()
            for index in 0..<Int(count) { ready(events[index]) }
            openMore()
            checkDeadlines()
            publish()
            for request in control.take() { answer(request) }
        }
    }

    func delivered(latency: Int64) { slowest = max(slowest, latency) }

    private func ready(_ event: pushloop_event) {
        guard event.token != Self.wakeupToken else {
            _ = pushloop_wakeup_drain(control.wakeup)
            return
        }
        let row = Int(event.token)
        switch rows[row].phase {
        case .waiting, .ended: return
        case .connecting: connected(row)
        case .upgrading, .greeting, .subscribing, .standing:
            if event.events & PUSHLOOP_WRITABLE != 0 { flush(row) }
            if event.events & (PUSHLOOP_READABLE | PUSHLOOP_HANGUP) != 0 { readable(row) }
        }
    }

    private func readable(_ row: Int) {
        let count = pushloop_receive(rows[row].descriptor, buffer.baseAddress, buffer.count)
        now = RunClock.monotonic()
        guard count > 0 else {
            // Nothing to read after all, or a signal came first.
            if count == -Int(EAGAIN) || count == -Int(EINTR) { return }
            return inputEnded(row, errno: CInt(-count))
        }
        figures.receivedBytes += count
        rows[row].heard = now
        received(row, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    private func openMore() {
        guard begunCount < rows.count else { return }
        let allowed = Int(Double(now - start) / 1_000_000 * connectionsPerSecond) + 1
        while begunCount < min(allowed, rows.count), openingCount < Self.openingMax {
            begunCount += 1
            begin(begunCount - 1)
        }
    }

    private func checkDeadlines() {
        guard now - deadlinesChecked >= Self.deadlineInterval else { return }
        deadlinesChecked = now
        let patience = plan.answerTimeout.microseconds
        for row in 0..<begunCount {
            if let awaited = rows[row].phase.awaited {
                guard now - rows[row].begun > patience else { continue }
                end(row, .timedOut, code: awaited, "no answer in \(DurationText.text(plan.answerTimeout))")
            } else if rows[row].phase == .standing, let silence = rows[row].silenceMax, now - rows[row].heard > silence
            {
                end(row, .timedOut, code: "heartbeat", "nothing came for \(silence / 1_000_000) s, not even a ping")
            }
        }
    }

    private func publish() {
        control.standingCount.store(figures.standingCount, ordering: .relaxed)
        control.endedCount.store(endedCount, ordering: .relaxed)
        control.deliveryCount.store(figures.ledger.deliveryCount, ordering: .relaxed)
        control.processorNanoseconds.store(pushloop_thread_cpu_nanoseconds(), ordering: .relaxed)
        if slowest > control.slowest.load(ordering: .relaxed) { control.slowest.store(slowest, ordering: .relaxed) }
        slowest = 0
    }

    private func answer(_ request: LoadControl.Request) {
        switch request {
        case .snapshot(let continuation): continuation.resume(returning: figures)
        case .finish(let continuation):
            for row in rows.indices where rows[row].descriptor >= 0 {
                if rows[row].phase == .standing { transmit(row, ClientFrame.close(mask: random.next())) }
                release(row)
            }
            isFinished = true
            continuation.resume(returning: figures)
        }
    }

    // The end of a connection.

    func end(_ row: Int, _ kind: ConnectionEnd.Kind, code: String? = nil, _ example: String) {
        guard rows[row].phase != .ended else { return }
        let isEarly = rows[row].phase != .standing
        if isEarly { openingCount -= 1 } else { figures.standingCount -= 1 }
        let end = ConnectionEnd(kind: kind, code: code, isEarly: isEarly)
        figures.ends[end, default: .init(example: example)].count += 1
        endedCount += 1
        rows[row].phase = .ended
        for channel in channels.indices { figures.ledger.ended(rows[row].firstSubscription + channel) }
        release(row)
    }

    private func release(_ row: Int) {
        if let tls = rows[row].tls {
            rows[row].output += tls.end()
            flush(row)
        }
        if rows[row].descriptor >= 0 { _ = pushloop_close(rows[row].descriptor) }
        rows[row].descriptor = -1
        rows[row].tls = nil
        (rows[row].head, rows[row].output) = ([], [])
        rows[row].reader = ServerFrameReader()
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
