import Foundation
import Synchronization

/// The one account of all calls to an org: asked before each of them, told after each of them.
///
/// A refusal costs nothing and says why. The figures are the org's own (`Sforce-Limit-Info`) with our calls since added, so
/// they are right up to the calls under way. Safe from any thread; several processes have a budget each and see each other
/// in the org's figures.
public final class APIBudget: Sendable {
    private struct State {
        var book: BudgetBook
        var policy: BudgetPolicy
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - book: where an earlier process stopped.
    ///   - now: seconds since 1970; nil: by the machine's clock.
    public init(
        policy: BudgetPolicy = BudgetPolicy(), book: BudgetBook = BudgetBook(),
        now: (@Sendable () -> Int64)? = nil
    ) {
        state = Mutex(State(book: book, policy: policy))
        self.now = now ?? { Int64(Date().timeIntervalSince1970) }
    }

    /// Counts one call. Throws `BudgetRefusal` where it must not be made.
    public func admit(_ purpose: CallPurpose) throws(BudgetRefusal) {
        let now = now()
        try state.withLock { state throws(BudgetRefusal) in
            try state.book.admit(purpose, by: state.policy, at: now)
        }
    }

    /// Counts one Bulk API query job; its calls are admitted one by one.
    public func admitQueryJob(_ purpose: CallPurpose) throws(BudgetRefusal) {
        let now = now()
        try state.withLock { state throws(BudgetRefusal) in
            try state.book.admitQueryJob(purpose, by: state.policy, at: now)
        }
    }

    /// Takes what an answer says.
    public func record(_ info: LimitInfo) {
        let now = now()
        state.withLock { $0.book.record(info, at: now) }
    }

    /// The org has refused a call because its allowance is used up.
    public func refusedByOrg() {
        let now = now()
        state.withLock { $0.book.refusedByOrg(at: now) }
    }

    public var report: BudgetReport {
        let now = now()
        return state.withLock { $0.book.report(by: $0.policy, at: now) }
    }

    /// To be kept for the next process.
    public var book: BudgetBook { state.withLock { $0.book } }

    public var policy: BudgetPolicy {
        get { state.withLock { $0.policy } }
        set { state.withLock { $0.policy = newValue } }
    }
}
