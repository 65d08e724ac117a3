import ChangeEvents
import Synchronization

/// The sink of a tool that reads along: keeps its place and its schemas in memory and hands events to a callback.
final class CallbackSink: EventSink {
    typealias Callback = @Sendable ([ReceivedEvent], [SchemaID: EventSchema], ReplayID?) async throws -> Void

    private struct State {
        var cursor: ReplayID?
        var schemas: [SchemaID: EventSchema] = [:]
        var failure: (any Error)?
    }

    private let state: Mutex<State>
    private let onEvents: Callback

    init(cursor: ReplayID?, onEvents: @escaping Callback) {
        state = Mutex(State(cursor: cursor))
        self.onEvents = onEvents
    }

    /// What the callback threw.
    var failure: (any Error)? { state.withLock { $0.failure } }

    func room(for topic: String) async throws -> Int { SubscriptionStateMachine.outstandingMax }

    func cursor(for topic: String) async throws -> ReplayID? { state.withLock { $0.cursor } }

    func knowsSchema(_ id: SchemaID) async throws -> Bool { state.withLock { $0.schemas[id] != nil } }

    func learn(_ schema: EventSchema) async throws { state.withLock { $0.schemas[schema.id] = schema } }

    func receive(topic: String, events: [ReceivedEvent], latestReplayID: ReplayID?) async throws {
        let schemas = state.withLock { $0.schemas }
        do {
            try await onEvents(events, schemas, latestReplayID)
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
        state.withLock { state in
            if let latestReplayID { state.cursor = latestReplayID }
        }
    }

    /// Never called: a tool's subscription ends instead.
    func declareGap(topic: String, reason: String) async throws {
        throw UpstreamError(.replayIDRejected, reason, topic: topic)
    }
}
