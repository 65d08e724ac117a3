internal import CPushLoop
internal import Foundation

/// Ends the sleep of a loop, from any thread.
final class LoopWaker: Sendable {
    enum Kind: Sendable {
        /// The loop sleeps in its poller, which watches this descriptor too.
        case descriptor(CInt)
        /// The loop sleeps on a condition.
        case condition
    }

    let kind: Kind
    private let condition = WakeCondition()

    /// - Parameter usesPoller: whether the loop has a poller to sleep in.
    init(usesPoller: Bool) throws(PushHubError) {
        guard usesPoller else {
            kind = .condition
            return
        }
        let descriptor = pushloop_wakeup_create()
        guard descriptor >= 0 else {
            throw PushHubError(code: .system, message: "no event descriptor: errno \(-descriptor)")
        }
        kind = .descriptor(descriptor)
    }

    deinit {
        if case .descriptor(let descriptor) = kind { _ = pushloop_close(descriptor) }
    }

    func wake() {
        switch kind {
        // A failed wakeup costs a tick of the loop's timer, nothing else.
        case .descriptor(let descriptor): _ = pushloop_wakeup_signal(descriptor)
        case .condition: condition.signal()
        }
    }

    /// After waking: the next wake is another one.
    func drain() {
        if case .descriptor(let descriptor) = kind { _ = pushloop_wakeup_drain(descriptor) }
    }

    /// Sleeps on the condition.
    func wait(milliseconds: Int) { condition.wait(milliseconds: milliseconds) }
}

/// A flag that one thread waits for.
private final class WakeCondition: @unchecked Sendable {
    /// Guards `isSet`.
    private let condition = NSCondition()
    private var isSet = false

    func signal() {
        condition.withLock {
            isSet = true
            condition.signal()
        }
    }

    func wait(milliseconds: Int) {
        let deadline = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
        condition.withLock {
            while !isSet {
                guard milliseconds > 0, condition.wait(until: deadline) else { break }
            }
            isSet = false
        }
    }
}
