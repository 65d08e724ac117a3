import CPushLoop
import Synchronization

/// Between a loop of connections and the run that it belongs to: what the run asks for, and numbers to look at meanwhile.
final class LoadControl: Sendable {
    enum Request {
        /// The figures so far.
        case snapshot(CheckedContinuation<LoadFigures, Never>)
        /// Close everything and end.
        case finish(CheckedContinuation<LoadFigures, Never>)
    }

    let wakeup: CInt
    private let requests = Mutex<[Request]>([])
    /// Latencies count from here on.
    let isMeasuring = Atomic(false)
    /// Of what was committed later, latencies do not count any more. Microseconds since 1970.
    let cut = Atomic(Int64.max)

    // Published with every turn.
    let standingCount = Atomic(0)
    let endedCount = Atomic(0)
    let deliveryCount = Atomic(0)
    let processorNanoseconds = Atomic<UInt64>(0)
    /// The slowest delivery since it was last taken, in microseconds.
    let slowest = Atomic<Int64>(0)

    /// Nil where the system has no descriptor left.
    init?() {
        wakeup = pushloop_wakeup_create()
        guard wakeup >= 0 else { return nil }
    }

    deinit { _ = pushloop_close(wakeup) }

    func snapshot() async -> LoadFigures {
        await withCheckedContinuation { put(.snapshot($0)) }
    }

    /// Called once, and nothing after it.
    func finish() async -> LoadFigures {
        await withCheckedContinuation { put(.finish($0)) }
    }

    func take() -> [Request] {
        requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }

    private func put(_ request: Request) {
        requests.withLock { $0.append(request) }
        // A failed wakeup costs a turn's timeout, nothing else.
        _ = pushloop_wakeup_signal(wakeup)
    }
}
