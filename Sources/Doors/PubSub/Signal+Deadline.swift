internal import Waiting

extension Signal {
    /// Returns when raised or cancelled, when `other` returns, or at the deadline. `other` must end when it is cancelled.
    func wait(until deadline: ContinuousClock.Instant, or other: (@Sendable () async -> Void)? = nil) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                if let other {
                    await other()
                } else {
                    // Cancelled is how the other child says that it came first.
                    try? await Task.sleep(until: deadline, clock: .continuous)
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
