internal import CPushLoop
internal import Logging
internal import Matching
internal import SOQL

/// The matcher of a loop: the one place that names it.
typealias LoopMatcher = IndexMatcher

/// One loop: a thread, a poller, and the connections it owns. The shell around the pure parts (session, parser, terms, wheel).
///
/// Made on its own thread and never seen by another: nothing in it is shared but the inbox and the published numbers. A turn is
/// poll, receive, take what was handed in, deadlines, catching up, one send per connection that has something, burials.
///
/// While the matcher is being asked nothing may be subscribed or taken away, so a connection that fails during delivery is
/// only marked; it is buried at the end of the turn.
final class PushLoop {
    /// The unit of deadlines.
    static let tickMilliseconds: UInt64 = 100
    static let receiveBytes = 16 * 1024
    /// Frames are gathered into one send up to here; past it more than one system call is needed anyway.
    static let sendBytes = 64 * 1024
    /// Connections buried or told goodbye in one turn: a mass close must not make the others wait.
    static let burialsPerTurn = 256

    let index: Int
    let sockets: LoopSockets
    let inbox: LoopInbox
    let shared: PushHubShared
    let publication: StatisticsPublication
    let configuration: PushConfiguration

    let connections = SlotTable(empty: Connection())
    let subscriptions = SlotTable(empty: Subscription())
    let queue = OutQueue()
    let frames: FrameRing
    var classes = FrameClassTable()
    /// What clients asked for, kept for when a new token is put to it. The whole condition is the matcher's.
    var ownConditions = InternTable<Condition>()
    var grants = InternTable<[Grant.Allowance]>()
    var subjects = InternTable<String>()
    /// Of the peers whose connections are counted.
    var peers = InternTable<String>()
    let matcher = LoopMatcher()
    /// Subscriptions of this loop by channel, for `PushStatistics.directDeliveries`.
    var subscriptionCounts: [String: Int] = [:]
    var log: RecentLog
    var replayBook = ReplayBook()
    /// Spent on catching up in this turn.
    var effort = 0
    var wheel = TimerWheel()
    /// Half-received messages, of the few connections that have one.
    var parsers: [UInt32: WebSocketFrameParser] = [:]

    let dirty = LoopOwned<[UInt32]>([])
    var scheduled: [UInt32] = []
    var doomed: [UInt32] = []
    /// Connections that have not been told goodbye yet.
    var goodbyes: [Goodbye] = []
    var isDraining = false
    var isStopped = false
    var drainTick: UInt32 = 0
    var nextStamp: UInt32 = 0

    private let counters = LoopOwned(PushStatistics())
    var statistics: PushStatistics {
        @inline(__always) _read { yield counters.value }
        @inline(__always) _modify { yield &counters.value }
    }
    var random = SystemRandomNumberGenerator()
    let startNanoseconds = pushloop_monotonic_nanoseconds()
    var now: UInt32 = 1
    let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytes, alignment: 16)
    let sendBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: sendBytes, alignment: 16)
    let pingFrame: FrameRing.Index
    let commentFrame: FrameRing.Index

    init(
        index: Int, sockets: LoopSockets, inbox: LoopInbox, shared: PushHubShared, publication: StatisticsPublication,
        head: LogPlace,
        recent: [LogItem]
    ) {
        self.index = index
        self.sockets = sockets
        self.inbox = inbox
        self.shared = shared
        self.publication = publication
        configuration = shared.configuration
        frames = FrameRing(countMax: configuration.recentFramesMax, bytesMax: configuration.recentFrameBytesMax)
        pingFrame = frames.make(FrameParts(bytes: WebSocketFrameHeader.frame(.ping, [])))
        commentFrame = frames.make(FrameParts(bytes: Array(":\n\n".utf8)))
        log = RecentLog(
            countMax: configuration.recentEventsMax, bytesMax: configuration.recentEventBytesMax, head: head,
            recent: recent)
    }

    deinit {
        receiveBuffer.deallocate()
        sendBuffer.deallocate()
    }

    func run() {
        while !isStopped {
            let isIdle = scheduled.isEmpty && doomed.isEmpty && goodbyes.isEmpty
            let timeout = !isIdle ? 0 : CInt(Self.tickMilliseconds) * (connections.count == 0 ? 10 : 1)
            guard turn(timeoutMilliseconds: timeout) else { break }
            if isDraining, connections.count == 0 { break }
        }
        end()
    }

    /// One turn, after waiting for something to do; false when the poller has failed.
    func turn(timeoutMilliseconds timeout: CInt) -> Bool {
        let answer = sockets.wait(milliseconds: timeout)
        guard answer >= 0 else {
            shared.logger.critical("push: the poller failed", metadata: ["errno": "\(-answer)"])
            return false
        }
        now = UInt32((pushloop_monotonic_nanoseconds() - startNanoseconds) / (Self.tickMilliseconds * 1_000_000)) + 1
        sockets.forEachReady { token, readiness in ready(token, readiness) }
        for message in inbox.take() { received(message) }
        advanceDeadlines()
        sayGoodbyes()
        bringForward()
        flushDirty()
        buryDoomed(max: Self.burialsPerTurn)
        sockets.flushChannels()
        publish()
        return true
    }

    /// The tick that lies this far ahead: at least one.
    func tick(after duration: Duration) -> UInt32 {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return UInt32(clamping: Int64(now) + max(1, milliseconds / Int64(Self.tickMilliseconds)))
    }

    /// What the transports know a connection by: told apart from an earlier one of the same row.
    func token(of row: UInt32) -> UInt64 { UInt64(connections[row].generation) << 32 | UInt64(row) }

    func row(of token: UInt64) -> UInt32? {
        let row = UInt32(truncatingIfNeeded: token)
        guard connections[row].generation == UInt32(token >> 32), connections[row].flags.contains(.isActive)
        else { return nil }
        return row
    }

    private func ready(_ token: UInt64, _ readiness: SocketReadiness) {
        guard let row = row(of: token) else { return }
        if !readiness.isDisjoint(with: [.readable, .hangup]) { readable(row) }
        if readiness.contains(.writable) { flush(row) }
    }

    private func received(_ message: LoopMessage) {
        switch message {
        case .adopt(let socket, let request, let leftover, let peer):
            adopt(socket, request, leftover, peer: peer)
        case .ready(let token, let readiness): ready(token, readiness)
        case .goAway(let token):
            if let row = row(of: token) { goAway(row, retryAfterMilliseconds: retryDelay()) }
        case .items(let items): for item in items { deliver(item) }
        case .skipped(let place): skip(to: place)
        case .placed(let question, let answer): placed(question, answer)
        case .read(let question, let answer): chunkRead(question, answer)
        case .revoke(let revocation): revoke(revocation)
        case .drain: beginDraining()
        case .stop: isStopped = true
        }
    }

    private func publish() {
        statistics.connections = connections.count
        statistics.subscriptions = subscriptions.count
        statistics.framesQueued = queue.count
        statistics.cpuNanoseconds = pushloop_thread_cpu_nanoseconds()
        publication.publish(statistics)
    }

    private func beginDraining() {
        guard !isDraining else { return }
        isDraining = true
        drainTick = tick(after: configuration.drainTimeout)
        for row in connections.indices where connections[row].flags.contains(.isActive) {
            goodbyes.append(Goodbye(token: token(of: row), reason: .draining))
        }
    }

    private func end() {
        for message in inbox.close() {
            if case .adopt(let socket, _, _, _) = message { socket.close() }
        }
        for row in connections.indices where connections[row].flags.contains(.isActive) {
            doom(row, code: CloseCode.goingAway)
        }
        while !doomed.isEmpty { buryDoomed(max: .max) }
        publish()
    }
}
