public import Foundation
import Synchronization

/// The org's time: the machine's, moved by an offset, or standing still. Retention, sessions, rolling windows and locators go by
/// it, so that a test crosses 72 hours in a call. Thread-safe.
public final class OrgClock: Sendable {
    /// What it can be set to: dates that every client can write. Milliseconds since 1970.
    static let range: ClosedRange<Int64> = 946_684_800_000...32_503_679_999_000

    private struct State {
        var offset: Int64 = 0
        /// Where it stands still.
        var frozenAt: Int64?
    }

    private let state = Mutex(State())
    private let machine: @Sendable () -> Int64

    /// - Parameter machine: milliseconds since 1970 of the machine.
    public init(machine: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }) {
        self.machine = machine
    }

    /// Milliseconds since 1970.
    public var now: Int64 {
        state.withLock { $0.frozenAt ?? machine() + $0.offset }
    }

    var offset: Int64 { now - machine() }
    var isFrozen: Bool { state.withLock { $0.frozenAt != nil } }

    /// False where the instant is out of range; then nothing has changed.
    func set(_ milliseconds: Int64) -> Bool {
        guard Self.range.contains(milliseconds) else { return false }
        state.withLock { state in
            if state.frozenAt != nil { state.frozenAt = milliseconds } else { state.offset = milliseconds - machine() }
        }
        return true
    }

    /// On, or back with a negative number.
    func advance(_ milliseconds: Int64) -> Bool {
        let (target, overflows) = now.addingReportingOverflow(milliseconds)
        return overflows ? false : set(target)
    }

    /// Stands still where it is, or goes on from there.
    func freeze(_ isFrozen: Bool) {
        state.withLock { state in
            if isFrozen {
                state.frozenAt = state.frozenAt ?? machine() + state.offset
            } else if let frozenAt = state.frozenAt {
                state.offset = frozenAt - machine()
                state.frozenAt = nil
            }
        }
    }
}
