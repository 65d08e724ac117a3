internal import CPushLoop
internal import Synchronization

/// What is handed to a loop from other threads.
enum LoopMessage: Sendable {
    /// A connection, with the request that it came with. The loop owns the descriptor from here.
    case adopt(descriptor: CInt, TakeoverRequest, leftover: [UInt8], peer: String?)
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

/// The one door into a loop: a locked list and an event descriptor that wakes the loop, written once per batch.
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
    let wakeup: CInt

    init() throws(PushHubError) {
        wakeup = pushloop_wakeup_create()
        guard wakeup >= 0 else { throw PushHubError(code: .system, message: "no event descriptor: errno \(-wakeup)") }
    }

    deinit { _ = pushloop_close(wakeup) }

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
        // A failed wakeup costs a tick of the loop's timer, nothing else.
        if wakes { _ = pushloop_wakeup_signal(wakeup) }
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

    /// The loop ends: what was put and not taken comes back for its descriptors to be closed.
    func close() -> [LoopMessage] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
