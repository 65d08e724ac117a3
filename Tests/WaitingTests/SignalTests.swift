import Synchronization
import Testing
import Waiting

@Suite(.timeLimit(.minutes(5)))
struct SignalTests {
    @Test func whatWasRaisedBeforeIsNotMissed() async {
        let signal = Signal()
        signal.raise()
        signal.raise()
        await signal.wait()
    }

    @Test func severalRaisesCountAsOne() async {
        let signal = Signal()
        signal.raise()
        signal.raise()
        await signal.wait()
        let waiter = Waiter(signal)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await waiter.run() }
            for _ in 0..<1000 { await Task.yield() }
            #expect(!waiter.isOver, "the second raise was kept")
            signal.raise()
        }
        #expect(waiter.isOver)
    }

    @Test func raisingWakesTheWaiter() async {
        let signal = Signal()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await signal.wait() }
            group.addTask { signal.raise() }
            await group.waitForAll()
        }
    }

    @Test func cancellingWakesTheWaiter() async {
        for _ in 0..<200 {
            let signal = Signal()
            let task = Task { await signal.wait() }
            await Task.yield()
            task.cancel()
            await task.value
        }
    }
}

/// Waits once and says when that is over.
private final class Waiter: Sendable {
    private let signal: Signal
    private let state = Atomic<Bool>(false)

    init(_ signal: Signal) { self.signal = signal }

    var isOver: Bool { state.load(ordering: .relaxed) }

    func run() async {
        await signal.wait()
        state.store(true, ordering: .relaxed)
    }
}
