internal import Synchronization

/// What is handed to a loop from other threads.
enum LoopMessage: Sendable {
    /// A connection, with the request that it came with. The loop owns the socket from here.
    case adopt(AdoptedSocket, TakeoverRequest, leftover: [UInt8], peer: String?)
    /// What a channel of NIO has become ready for; the token is the connection's.
    case ready(token: UInt64, SocketReadiness)
    /// Say goodbye to this connection: the door it came through stops.
    case goAway(token: UInt64)
    /// New entries of the log, in order.
    case items([LogItem])
    /// Entries up to here were not handed over: who was live reads them from the log.
    case skipped(to: LogPlace)
    case placed(LogQuestion, PlaceAnswer)
    case read(LogQuestion, ChunkAnswer)
    case revoke(Revocation)
    /// Say goodbye to everybody, then end.
    case drain
    /// End now.
    case stop
}

/// The one door into a loop: a locked list, and a waker that is asked once per batch.
///
/// Any thread puts; only the loop takes. Bounded for log entries: a loop that does not keep up gets a `skipped` instead of
/// them, and its clients read the log, which loses nothing.
final class LoopInbox: LogFollower {
    private struct State {
        var messages: [LoopMessage] = []
        var itemCount = 0
        var isClosed = false
    }

    /// Entries of the log that may wait: some seconds of the fastest upstream.
    static let itemCountMax = 16_384

    private let state = Mutex(State())
    let waker: LoopWaker

    init(waker: LoopWaker) {
        self.waker = waker
    }

    /// False when the loop has ended: the message is not taken.
    @discardableResult
    func put(_ message: LoopMessage) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            let wakes = state.messages.isEmpty
            if case .items(let items) = message {
                state.itemCount += items.count
                if state.itemCount > Self.itemCountMax, let last = items.last {
                    state.messages.removeAll { if case .items = $0 { true } else { false } }
                    state.messages.append(.skipped(to: last.place))
                    state.itemCount = 0
                    return (true, wakes)
                }
            }
            state.messages.append(message)
            return (true, wakes)
        }
        if wakes { waker.wake() }
        return isTaken
    }

    func follow(_ items: [LogItem]) { put(.items(items)) }

    func skipped(to place: LogPlace) { put(.skipped(to: place)) }

    func take() -> [LoopMessage] {
        state.withLock { state in
            guard !state.messages.isEmpty else { return [] }
            defer { state.messages = [] }
            state.itemCount = 0
            return state.messages
        }
    }

    /// The loop ends: what was put and not taken comes back for its sockets to be closed.
    func close() -> [LoopMessage] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
