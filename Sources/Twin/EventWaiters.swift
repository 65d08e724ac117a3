package import Store
import Synchronization

/// What had been told to everybody before a reader looked: taken from `EventWaiters` before the look, given to the wait behind
/// it, which is over at once when everybody has been woken since.
public struct LookTicket: Hashable, Sendable {
    /// How often everybody had been woken.
    private let wakes: UInt64

    package init(wakes: UInt64) { self.wakes = wakes }
}

/// Readers that wait for something to read. Woken by the log, never by a timer of their own; each wait has its
/// deadline.
///
/// A reader takes a ticket, looks, finds nothing and waits. What comes between the look and the wait is not missed: an event
/// is behind the position that the reader has reached, and whatever else there is to see (`wakeAll`) has made its ticket old.
/// So whoever calls `wakeAll` has changed first what the reader will look at.
///
/// Thread-safe: the log wakes from its commit path, readers wait on theirs. A continuation lives in `waiting` and is
/// resumed by whoever takes it out.
package final class EventWaiters: Sendable {
    private struct State {
        var head = Position.start
        /// How often everybody was woken.
        var wakes: UInt64 = 0
        var nextNumber: UInt64 = 0
        var waiting: [UInt64: Waiter] = [:]
        /// Numbers whose wait was cancelled before it had begun.
        var cancelled: Set<UInt64> = []

        func hasNews(after position: Position, since look: LookTicket) -> Bool {
            head > position || look != LookTicket(wakes: wakes)
        }
    }

    private struct Waiter {
        var after: Position
        var continuation: CheckedContinuation<Void, Never>
    }

    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.waiting.count } }

    /// To be taken before a look.
    package func ticket() -> LookTicket { state.withLock { LookTicket(wakes: $0.wakes) } }

    /// The log has reached a position: wakes those who wait for less.
    package func reached(_ position: Position) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.head = max(state.head, position)
            let numbers = state.waiting.filter { $0.value.after < state.head }.keys
            return numbers.compactMap { state.waiting.removeValue(forKey: $0)?.continuation }
        }
        for continuation in woken { continuation.resume() }
    }

    /// Wakes everybody, those too who have looked and do not wait yet: something other than an event is to be seen.
    package func wakeAll() {
        let woken = state.withLock { state -> [Waiter] in
            state.wakes += 1
            let all = Array(state.waiting.values)
            state.waiting = [:]
            return all
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Returns when the log has passed a position, when everybody was woken since the look, at the deadline, or when the task is
    /// cancelled.
    package func wait(after position: Position, since look: LookTicket, timeout: Duration) async {
        guard !state.withLock({ $0.hasNews(after: position, since: look) }) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: position, since: look) }
            group.addTask {
                do {
                    try await Task.sleep(for: timeout)
                } catch {
                    // Cancelled: the wait is over anyhow.
                    return
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(after position: Position, since look: LookTicket) async {
        let number = state.withLock { state -> UInt64 in
            state.nextNumber += 1
            return state.nextNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    if state.cancelled.remove(number) != nil || state.hasNews(after: position, since: look) {
                        return true
                    }
                    state.waiting[number] = Waiter(after: position, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                if let waiter = state.waiting.removeValue(forKey: number) { return waiter }
                state.cancelled.insert(number)
                return nil
            }
            waiter?.continuation.resume()
        }
        // A cancellation that came after the wake-up leaves its number behind.
        state.withLock { _ = $0.cancelled.remove(number) }
    }
}
