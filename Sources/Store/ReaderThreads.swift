import Dispatch
import Foundation
import Synchronization

/// The threads that read: so many at a time, the others wait in order.
///
/// A read hops onto one of them and back, once each way; GRDB's own asynchronous read hops three times, which costs more than
/// most reads. Threads of their own, not those of a dispatch queue: of those there are as many as processors, so that two long
/// queries on two cores would hold up every short one. They are started when they are first needed, and end when the store
/// is gone. Thread-safe.
final class ReaderThreads: Sendable {
    typealias Work = @Sendable () -> Void

    private let crew: Crew

    init(threadsMax: Int) { crew = Crew(threadsMax: threadsMax) }

    deinit { crew.dismiss() }

    func run(_ work: @escaping Work) { crew.run(work) }
}

/// What the threads share; they keep it alive.
private final class Crew: Sendable {
    private struct State {
        /// Nil where it was taken: the last reference to a store must not be dropped under this lock, which its end takes.
        var waiting: [ReaderThreads.Work?] = []
        /// Index of the oldest of them.
        var first = 0
        /// Threads that wait for `wakeup` and have not been promised one.
        var idle = 0
        var started = 0
        var isDismissed = false
    }

    /// So many are taken from the front before they are dropped from it, which costs the whole array.
    private static let takenMax = 256

    private enum Help { case wake, start, none }

    private let threadsMax: Int
    private let state = Mutex(State())
    private let wakeup = DispatchSemaphore(value: 0)

    init(threadsMax: Int) { self.threadsMax = threadsMax }

    func run(_ work: @escaping ReaderThreads.Work) {
        let help = state.withLock { state -> Help in
            state.waiting.append(work)
            if state.idle > 0 {
                state.idle -= 1
                return .wake
            }
            // Whoever is done first takes it.
            guard state.started < threadsMax else { return .none }
            state.started += 1
            return .start
        }
        switch help {
        case .wake: wakeup.signal()
        case .start: Thread { self.serve() }.start()
        case .none: break
        }
    }

    /// No work comes any more.
    func dismiss() {
        let idle = state.withLock { state -> Int in
            state.isDismissed = true
            defer { state.idle = 0 }
            return state.idle
        }
        for _ in 0..<idle { wakeup.signal() }
    }

    private func serve() {
        while true {
            let (work, isOver) = state.withLock { state -> (ReaderThreads.Work?, Bool) in
                guard state.first < state.waiting.count else {
                    state.waiting.removeAll(keepingCapacity: true)
                    state.first = 0
                    if !state.isDismissed { state.idle += 1 }
                    return (nil, state.isDismissed)
                }
                let work = state.waiting[state.first]
                state.waiting[state.first] = nil
                state.first += 1
                if state.first == Self.takenMax {
                    state.waiting.removeFirst(state.first)
                    state.first = 0
                }
                return (work, false)
            }
            if isOver { return }
            if let work { work() } else { wakeup.wait() }
        }
    }
}
