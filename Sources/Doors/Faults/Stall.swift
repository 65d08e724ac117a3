internal import ServiceLifecycle

/// A wait on command. It ends early when the door stops: what was stalled then goes on, so that nothing hinders the stop.
enum Stall {
    static func wait(_ duration: Duration) async throws {
        do {
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
        } catch is CancellationError where !Task.isCancelled {
            return
        }
    }
}
