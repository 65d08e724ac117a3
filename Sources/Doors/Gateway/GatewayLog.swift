internal import ChangeEvents
internal import Store
internal import Synchronization
internal import Twin

/// The newest entries of the log in memory, for readers that are tasks, and who waits for more.
///
/// The push loops have memories of their own; the entries are shared with them. Any thread.
final class GatewayLog: LogFollower {
    private let countMax: Int
    private let bytesMax: Int
    private let recent: Mutex<RecentLog>
    /// Their positions are raw places, so that a loss wakes as an event does.
    private let waiters = EventWaiters()

    init(countMax: Int, bytesMax: Int) {
        self.countMax = countMax
        self.bytesMax = bytesMax
        recent = Mutex(RecentLog(countMax: countMax, bytesMax: bytesMax, head: .start))
    }

    /// From this place on entries are followed.
    func begin(head: LogPlace, recent items: [LogItem]) {
        let log = RecentLog(countMax: countMax, bytesMax: bytesMax, head: head, recent: items)
        recent.withLock { $0 = log }
        waiters.reached(Position(rawValue: head.rawValue))
    }

    func follow(_ items: [LogItem]) {
        recent.withLock { recent in
            for item in items { recent.append(item) }
        }
        if let last = items.last { waiters.reached(Position(rawValue: last.place.rawValue)) }
    }

    func skipped(to place: LogPlace) {
        recent.withLock { $0.skip(to: place) }
        waiters.reached(Position(rawValue: place.rawValue))
    }

    var head: LogPlace { recent.withLock { $0.head } }

    /// Nil where the memory does not reach back so far.
    func items(after place: LogPlace, limit: Int) -> [LogItem]? {
        recent.withLock { $0.items(after: place, limit: limit) }
    }

    /// The replay id to keep as one's place for a channel; nil: none is known.
    func newestReplayID(channel: String) -> ReplayID? {
        recent.withLock { $0.newestReplayID(channel: channel).replayID }
    }

    func lookTicket() -> LookTicket { waiters.ticket() }

    func wait(after place: LogPlace, since look: LookTicket, timeout: Duration) async {
        await waiters.wait(after: Position(rawValue: place.rawValue), since: look, timeout: timeout)
    }
}
