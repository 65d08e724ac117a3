import CrashPoints
import Logging
import Store

/// Telling the observers. Everything here runs inside a turn.
extension Twin {
    /// Events read at a time to tell what observers missed.
    static let missedEventsMax = 1_000
    static let missedBytesMax = 8 << 20

    /// Tells what a commit wrote. Cannot fail: the commit has happened.
    func tell(_ notices: [Notice]) async {
        if !notices.isEmpty { CrashPoint.tellBefore.reached() }
        for case .openGaps(let count) in notices { noteOpenGaps(count) }
        for notice in notices {
            if case .appended(let events) = notice, let first = events.first {
                do {
                    try await tellMissed(before: first.position)
                } catch {
                    // Nothing is lost: the observers stay where they are, and the next turn tells them from the store.
                    logger.error(
                        "observers wait: what they missed cannot be read",
                        metadata: ["after": "\(observers.told.rawValue)", "error": "\(error)"])
                    return
                }
            }
            observers.tell(notice)
        }
        if !notices.isEmpty { CrashPoint.tellAfter.reached() }
    }

    /// Tells events that were committed without the observers hearing of it: appended past the twin, or by a commit whose
    /// outcome was reported as an error.
    func tellMissed(before position: Position) async throws {
        while observers.told.rawValue + 1 < position.rawValue {
            let told = observers.told
            let (events, gaps) = try await store.read { reader in
                var events = try reader.events(
                    after: told, selection: .all, limit: Self.missedEventsMax, bytesMax: Self.missedBytesMax)
                events.removeAll { $0.position >= position }
                let last = events.last?.position ?? told
                let gaps = last > told ? try reader.gaps(in: Position(rawValue: told.rawValue + 1)...last) : []
                return (events, gaps)
            }
            // Trimmed before anybody could be told: nobody can see them any more.
            if events.isEmpty { return }
            var rest = events[...]
            for gap in gaps {
                let before = rest.prefix { $0.position <= gap.position }
                if !before.isEmpty { observers.tell(.appended(Array(before))) }
                observers.tell(.declared(gap))
                rest = rest.dropFirst(before.count)
            }
            if !rest.isEmpty { observers.tell(.appended(Array(rest))) }
        }
    }
}
