public import Store
import Synchronization

/// Sees every event after it is durable, in log order. Called on the store's commit path: must return at once (hand over
/// to a loop, wake a reader), must not call back into the twin.
public protocol LogObserver: AnyObject, Sendable {
    func appended(_ events: [LoggedEvent])
    /// Events were lost to everybody after this place.
    func declared(_ gap: Gap)
}

/// Who observes, and up to which position they have been told. Changed only inside a turn, except for leaving.
final class Observers: Sendable {
    private struct State: Sendable {
        var observers: [any LogObserver] = []
        var told: Position
    }

    private let state: Mutex<State>

    init(told: Position) { state = Mutex(State(told: told)) }

    /// Head of the log as far as observers know it.
    var told: Position { state.withLock { $0.told } }

    func add(_ observer: any LogObserver) {
        state.withLock { state in
            if !state.observers.contains(where: { $0 === observer }) { state.observers.append(observer) }
        }
    }

    /// A call under way on another thread may still end after this.
    func remove(_ observer: any LogObserver) {
        state.withLock { state in state.observers.removeAll { $0 === observer } }
    }

    /// The observers are called without the lock, so that one may leave from inside its call.
    func tell(_ notice: Notice) {
        let observers = state.withLock { state in
            if case .appended(let events) = notice, let last = events.last { state.told = last.position }
            return state.observers
        }
        for observer in observers {
            switch notice {
            case .appended(let events): observer.appended(events)
            case .declared(let gap): observer.declared(gap)
            case .openGaps: break
            }
        }
    }
}
