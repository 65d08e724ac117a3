import Store
import TestSupport
import Testing

@testable import Twin

/// The deadlines of the waits are behind the time limits: a wait that nothing ends fails its test.
@Suite struct EventWaitersTests {
    private static let never = Duration.seconds(600)

    @Test(.timeLimit(.minutes(5))) func aWakeBetweenTheTicketAndTheWaitIsNotMissed() async throws {
        let waiters = EventWaiters()
        let look = waiters.ticket()
        waiters.wakeAll()
        await waiters.wait(after: .start, since: look, timeout: Self.never)
        // Whoever has looked since then waits, until the next.
        let later = waiters.ticket()
        #expect(later != look)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await waiters.wait(after: .start, since: later, timeout: Self.never) }
            try await poll("a reader waits") { waiters.count == 1 }
            waiters.wakeAll()
            try await group.waitForAll()
        }
        #expect(waiters.count == 0)
    }

    @Test(.timeLimit(.minutes(5))) func anEventBetweenTheTicketAndTheWaitIsNotMissed() async {
        let waiters = EventWaiters()
        let look = waiters.ticket()
        waiters.reached(Position(rawValue: 1))
        #expect(waiters.ticket() == look)
        await waiters.wait(after: .start, since: look, timeout: Self.never)
    }

    /// Wherever in the beginning of a wait the wake comes.
    @Test(.timeLimit(.minutes(5))) func aWakeWhileAWaitBeginsIsNotMissed() async {
        let waiters = EventWaiters()
        for _ in 0..<2_000 {
            let look = waiters.ticket()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await waiters.wait(after: .start, since: look, timeout: Self.never) }
                group.addTask { waiters.wakeAll() }
            }
        }
        #expect(waiters.count == 0)
    }
}
