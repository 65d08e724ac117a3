import Synchronization

/// Who has which managed subscription: one stream each. Thread-safe; the state is gone with the process, as an org
/// forgets its connections.
final class ManagedSlots: Sendable {
    private enum Slot: Hashable {
        /// A stream has it.
        case active(token: String)
        /// Its client has vanished without a word: kept for it until then (milliseconds since 1970).
        case held(until: Int64)
    }

    private let slots = Mutex<[String: Slot]>([:])

    /// False where another stream has it.
    func take(_ id: String, token: String, now: Int64) -> Bool {
        slots.withLock { slots in
            switch slots[id] {
            case .active: return false
            case .held(let until) where until > now: return false
            case .held, nil:
                slots[id] = .active(token: token)
                return true
            }
        }
    }

    func isActive(_ id: String, token: String) -> Bool { slots.withLock { $0[id] == .active(token: token) } }

    /// The stream has ended; a slot that is held stays held.
    func release(_ id: String, token: String) {
        slots.withLock { slots in if slots[id] == .active(token: token) { slots[id] = nil } }
    }

    func hold(_ id: String, until: Int64) { slots.withLock { $0[id] = .held(until: until) } }
}
