internal import Synchronization

/// A count that only grows: requests served, events delivered.
///
/// One relaxed atomic; any thread may add. A loop that must not even touch an atomic per delivery keeps its own integer and
/// reports it by `MetricsRegistry.collect`.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    public func increment(by amount: Int = 1) {
        precondition(amount >= 0, "a counter never goes down")
        count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    public var value: UInt64 { count.load(ordering: .relaxed) }
}
