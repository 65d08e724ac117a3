import Synchronization

/// Who may commit now: one caller at a time, in the order of asking. Whoever has the turn may do the work of those that come
/// next as well. A pure state machine; `Turns` is its shell.
struct TurnTaking<Waiter, Work> {
    private struct Waiting {
        var ticket: UInt64
        var waiter: Waiter
        /// Nil: wants the turn for itself.
        var work: Work?
    }

    private var isTaken = false
    private var nextTicket: UInt64 = 0
    private var waiting: [Waiting] = []
    /// Withdrawn before they came to wait: a cancellation can overtake the call it cancels.
    private var withdrawn: Set<UInt64> = []

    var waitingCount: Int { waiting.count }

    mutating func newTicket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    enum ArrivedAction { case go(Waiter), wait, refuse(Waiter) }

    /// - Parameter work: what another may do for this one.
    mutating func arrived(_ ticket: UInt64, _ waiter: Waiter, work: Work? = nil) -> ArrivedAction {
        if withdrawn.remove(ticket) != nil { return .refuse(waiter) }
        if isTaken {
            waiting.append(Waiting(ticket: ticket, waiter: waiter, work: work))
            return .wait
        }
        isTaken = true
        return .go(waiter)
    }

    /// Takes the work of those that are next, up to a number of them and to the first that wants the turn for itself. They
    /// have left the queue: whoever takes it tells them when it is done.
    mutating func takeWork(max: Int) -> [(waiter: Waiter, work: Work)] {
        precondition(isTaken, "only who has the turn takes work")
        let taken = waiting.prefix(max).prefix { $0.work != nil }
        waiting.removeFirst(taken.count)
        return taken.compactMap { next in next.work.map { (next.waiter, $0) } }
    }

    /// Answers whom to refuse; nil when the ticket has not arrived (it will be refused then) or has its turn already, or its
    /// work is being done (it keeps it).
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

    /// When a ticket has its turn, had its work done or was refused: a cancellation that came too late leaves nothing behind.
    mutating func forget(_ ticket: UInt64) { withdrawn.remove(ticket) }
}

/// Serialises commits together with telling the observers: an asynchronous lock, first come, first served, whose holder may
/// serve those behind it too.
///
/// Cancelling a task that waits throws `CancellationError`; one that has its turn, or whose work is being done, keeps it to
/// the end.
final class Turns<Work: Sendable>: Sendable {
    private enum Call { case turn, done }
    private typealias Waiter = CheckedContinuation<Call, any Error>
    private let state = Mutex(TurnTaking<Waiter, Work>())

    func withTurn<T: Sendable>(_ body: () async throws -> T) async throws -> T {
        _ = try await take(nil)
        defer { end() }
        return try await body()
    }

    /// Returns when the work is done: by `body` in a turn of this caller, who also takes what others wait for, or by one of
    /// them.
    ///
    /// - Parameter max: pieces of work that `body` gets at most, the own one first.
    func perform(_ work: Work, max: Int, _ body: ([Work]) async -> Void) async throws {
        guard try await take(work) == .turn else { return }
        let others = state.withLock { $0.takeWork(max: max - 1) }
        await body([work] + others.map(\.work))
        // The turn first: who comes next has longer to go than those who are done.
        end()
        for other in others { other.waiter.resume(returning: .done) }
    }

    /// Callers that wait.
    var waitingCount: Int { state.withLock { $0.waitingCount } }

    private func end() { state.withLock { $0.ended() }?.resume(returning: .turn) }

    private func take(_ work: Work?) async throws -> Call {
        let ticket = state.withLock { $0.newTicket() }
        defer { state.withLock { $0.forget(ticket) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                switch state.withLock({ $0.arrived(ticket, waiter, work: work) }) {
                case .go(let waiter): waiter.resume(returning: .turn)
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
