internal import Synchronization

/// A number that goes up and down: open connections, bytes on disk. One relaxed atomic; any thread may change it.
public final class Gauge: Sendable {
    private let number = Atomic<Int64>(0)

    init() {}

    public func set(_ value: Int) { number.store(Int64(value), ordering: .relaxed) }
    public func add(_ amount: Int) { number.wrappingAdd(Int64(amount), ordering: .relaxed) }
    public func increment() { add(1) }
    public func decrement() { add(-1) }

    public var value: Int64 { number.load(ordering: .relaxed) }
}
