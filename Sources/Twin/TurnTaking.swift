import Synchronization

/// Who may commit now: one caller at a time, in the order of asking. A pure state machine; `Turns` is its shell.
struct TurnTaking<Waiter> {
    private var isTaken = false
    private var nextTicket: UInt64 = 0
    private var waiting: [(ticket: UInt64, waiter: Waiter)] = []
    /// Withdrawn before they came to wait: a cancellation can overtake the call it cancels.
    private var withdrawn: Set<UInt64> = []

    mutating func newTicket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    enum ArrivedAction { case go(Waiter), wait, refuse(Waiter) }

    mutating func arrived(_ ticket: UInt64, _ waiter: Waiter) -> ArrivedAction {
        if withdrawn.remove(ticket) != nil { return .refuse(waiter) }
        if isTaken {
            waiting.append((ticket, waiter))
            return .wait
        }
        isTaken = true
        return .go(waiter)
    }

    /// Answers whom to refuse; nil when the ticket has not arrived (it will be refused then) or has its turn already (it
    /// keeps it).
    mutating func cancelled(_ ticket: UInt64) -> Waiter? {
        if let index = waiting.firstIndex(where: { $0.ticket == ticket }) { return waiting.remove(at: index).waiter }
        withdrawn.insert(ticket)
        return nil
    }

    /// The turn is over; answers whose is next.
    mutating func ended() -> Waiter? {
        precondition(isTaken, "a turn ends only after it began")
        if waiting.isEmpty {
            isTaken = false
            return nil
        }
        return waiting.removeFirst().waiter
    }

    /// When a ticket has its turn or was refused: a cancellation that came too late leaves nothing behind.
    mutating func forget(_ ticket: UInt64) { withdrawn.remove(ticket) }
}

/// Serialises commits together with telling the observers: an asynchronous lock, first come, first served.
///
/// Cancelling a task that waits throws `CancellationError`; one that has its turn keeps it to the end.
final class Turns: Sendable {
    private typealias Waiter = CheckedContinuation<Void, any Error>
    private let state = Mutex(TurnTaking<Waiter>())

    func withTurn<T: Sendable>(_ body: () async throws -> T) async throws -> T {
        try await take()
        defer { state.withLock { $0.ended() }?.resume() }
        return try await body()
    }

    private func take() async throws {
        let ticket = state.withLock { $0.newTicket() }
        defer { state.withLock { $0.forget(ticket) } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                switch state.withLock({ $0.arrived(ticket, waiter) }) {
                case .go(let waiter): waiter.resume()
                case .wait: break
                case .refuse(let waiter): waiter.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let refused = state.withLock { $0.cancelled(ticket) }
            refused?.resume(throwing: CancellationError())
        }
    }
}
