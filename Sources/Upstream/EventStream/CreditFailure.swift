import Synchronization
import Waiting

/// Carries the sink's error from the task that asks for more events to the one that ends the stream: a request producer
/// of gRPC cannot hand its own error on. Set at most once, by one task; awaited by one other.
final class CreditFailure: Sendable {
    private let error = Mutex<(any Error)?>(nil)
    private let isSet = Signal()

    func set(_ error: any Error) {
        self.error.withLock { $0 = error }
        isSet.raise()
    }

    /// Suspends until there is an error; nil when cancelled.
    func value() async -> (any Error)? {
        await isSet.wait()
        return error.withLock { $0 }
    }
}
