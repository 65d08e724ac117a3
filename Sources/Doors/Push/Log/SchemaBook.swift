internal import ChangeEvents
internal import Synchronization
internal import Twin

/// Schemas that events have brought, compiled, with their facts. Schemas are immutable and few; it only grows.
final class SchemaBook: Sendable {
    private struct State {
        var facts: [SchemaID: SchemaFacts] = [:]
        var fieldNames: [String: Set<String>] = [:]
    }

    private let state = Mutex(State())

    func known(_ id: SchemaID) -> SchemaFacts? {
        state.withLock { $0.facts[id] }
    }

    /// From memory or the twin; nil when nobody knows it.
    func facts(_ id: SchemaID, twin: Twin) async throws -> SchemaFacts? {
        if let known = known(id) { return known }
        guard let schema = try await twin.schema(id) else { return nil }
        let facts = SchemaFacts(schema)
        state.withLock { state in
            state.facts[id] = facts
            state.fieldNames[schema.recordName, default: []].formUnion(facts.fieldNames)
        }
        return facts
    }

    /// The fields that events of a name have shown, in lower case; nil when none has come yet.
    func fieldNames(eventName: String) -> Set<String>? {
        state.withLock { $0.fieldNames[eventName] }
    }
}
