public import Doors
import Synchronization

/// Misbehaviour on command, for tests of clients: what goes in is a script, what comes out of `calls` is what the
/// clients did. Thread-safe; the event bus consults it on every call.
public final class Faults: Sendable {
    /// What a client asked of the bus.
    public enum Call: Sendable, Hashable {
        case topic(String)
        case schema(String)
        case start(topic: String, from: ReplayStart)
    }

    /// How many calls are remembered.
    public static let callsMax = 1_000

    private struct State {
        var authorizations: [EventBusError] = []
        var starts: [EventBusError] = []
        var schemas: [EventBusError] = []
        var reads: [EventBusError] = []
        var calls: [Call] = []
    }

    private let state = Mutex(State())

    init() {}

    /// The next calls of any kind are refused before anything else is looked at.
    public func refuseNextAuthorizations(_ count: Int = 1, with error: EventBusError) {
        state.withLock { $0.authorizations += Array(repeating: error, count: count) }
    }

    /// The next subscriptions are refused.
    public func refuseNextStarts(_ count: Int = 1, with error: EventBusError) {
        state.withLock { $0.starts += Array(repeating: error, count: count) }
    }

    /// The next schema requests fail.
    public func refuseNextSchemas(_ count: Int = 1, with error: EventBusError) {
        state.withLock { $0.schemas += Array(repeating: error, count: count) }
    }

    /// The next reads of running streams fail, and so end their streams.
    public func failNextReads(_ count: Int = 1, with error: EventBusError) {
        state.withLock { $0.reads += Array(repeating: error, count: count) }
    }

    public func clear() { state.withLock { $0 = State() } }

    /// What clients asked for, oldest first.
    public var calls: [Call] { state.withLock { $0.calls } }

    func checkAuthorization() throws(EventBusError) {
        if let error = state.withLock({ $0.authorizations.isEmpty ? nil : $0.authorizations.removeFirst() }) {
            throw error
        }
    }

    func check(_ call: Call) throws(EventBusError) {
        let error = state.withLock { state -> EventBusError? in
            state.calls.append(call)
            if state.calls.count > Self.callsMax { state.calls.removeFirst(state.calls.count - Self.callsMax) }
            switch call {
            case .topic: return nil
            case .schema: return state.schemas.isEmpty ? nil : state.schemas.removeFirst()
            case .start: return state.starts.isEmpty ? nil : state.starts.removeFirst()
            }
        }
        if let error { throw error }
    }

    func checkRead() throws(EventBusError) {
        if let error = state.withLock({ $0.reads.isEmpty ? nil : $0.reads.removeFirst() }) { throw error }
    }
}
