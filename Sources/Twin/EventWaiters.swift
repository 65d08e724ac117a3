package import Store
import Synchronization

/// Readers that wait for something to read. Woken by the log, never by a timer of their own; each wait has its
/// deadline.
///
/// Thread-safe: the log wakes from its commit path, readers wait on theirs. A continuation lives in `waiting` and is
/// resumed by whoever takes it out.
package final class EventWaiters: Sendable {
    private struct State {
        var head = Position.start
        var nextNumber: UInt64 = 0
        var waiting: [UInt64: Waiter] = [:]
        /// Numbers whose wait was cancelled before it had begun.
        var cancelled: Set<UInt64> = []
    }

    private struct Waiter {
        var after: Position
        var continuation: CheckedContinuation<Void, Never>
    }

    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.waiting.count } }

    /// The log has reached a position: wakes those who wait for less.
    package func reached(_ position: Position) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.head = max(state.head, position)
            let numbers = state.waiting.filter { $0.value.after < state.head }.keys
            return numbers.compactMap { state.waiting.removeValue(forKey: $0)?.continuation }
        }
        for continuation in woken { continuation.resume() }
    }

    /// Wakes everybody: something other than an event is to be seen.
    package func wakeAll() {
        let woken = state.withLock { state -> [Waiter] in
            let all = Array(state.waiting.values)
            state.waiting = [:]
            return all
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// Returns when the log has passed a position, when woken, at the deadline, or when the task is cancelled.
    package func wait(after position: Position, timeout: Duration) async {
        guard state.withLock({ $0.head <= position }) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: position) }
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

    private func wait(after position: Position) async {
        let number = state.withLock { state -> UInt64 in
            state.nextNumber += 1
            return state.nextNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    if state.cancelled.remove(number) != nil || state.head > position { return true }
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
