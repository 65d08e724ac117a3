import Foundation
import Store
import Synchronization
import Twin
public import ChangeEvents

/// When an event became durable.
public struct RecentCommit: Sendable, Hashable {
    public var replayID: ReplayID
    /// Wall clock in milliseconds since 1970, with fraction: the instant after the commit.
    public var committedAt: Double
}

/// What the sandbox learns from its log: who can be woken, and when events were committed (for latency figures).
final class BusObserver: LogObserver {
    /// How many commit instants are kept.
    static let commitsMax = 1_000

    let waiters = EventWaiters()
    let recent = RecentEvents()
    private let commits = Mutex<[RecentCommit]>([])

    /// Oldest first.
    var recentCommits: [RecentCommit] { commits.withLock { $0 } }

    func appended(_ events: [LoggedEvent]) {
        let instant = Date().timeIntervalSince1970 * 1_000
        commits.withLock { commits in
            commits += events.suffix(Self.commitsMax).map {
                RecentCommit(replayID: $0.content.event.replayID, committedAt: instant)
            }
            if commits.count > Self.commitsMax { commits.removeFirst(commits.count - Self.commitsMax) }
        }
        recent.append(events)
        if let last = events.last { waiters.reached(last.position) }
    }

    /// The sandbox is the org: nothing is upstream of it that could be missed.
    func declared(_ gap: Gap) {}
}
