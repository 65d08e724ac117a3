import ChangeEvents
import CrashPoints
import Logging
import Store
import Synchronization

/// Tables made and changed as the org describes its objects.
extension Replica {
    /// Has the org describe what is to be described; false always: what fails is tried again after a pause. One object that
    /// cannot be described does not hold up the others; then it throws why.
    func describe() async throws -> Bool {
        var failure: (any Error)?
        for object in configuration.objects where descriptions.take(object.name) {
            do {
                try await prepare(object)
                descriptions.done(object.name)
            } catch let error as StoreError {
                descriptions.failed(object.name, error.message)
                throw error
            } catch {
                descriptions.failed(object.name, "\(error)")
                failure = error
            }
        }
        if let failure { throw failure }
        return false
    }

    /// The table as the org describes the object, and a reading of what it does not hold yet.
    private func prepare(_ object: ReplicatedObject) async throws {
        let described = try await source.object(object.name)
        let known = try await twin.store.read { reader in
            (table: try reader.objectTable(object.name), state: try ReplicaState.read(reader)?.objects[object.name])
        }
        let fields = try ReplicaTable.fields(of: described, for: object, known: known.table)
        let table = ReplicaTable.table(object, fields, known: known.table)
        let names = fields.map(\.name)
        let calculated = fields.filter(\.isCalculated).map(\.name)
        let now = twin.configuration.now()
        CrashPoint.defineBefore.reached()
        try await twin.commit { writer in
            if try writer.objectTable(object.name) != table { try writer.define(table) }
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            state.described(object.name, names, calculated: calculated, now: now)
            try state.write(writer)
        }
        CrashPoint.defineAfter.reached()
    }
}

/// Which objects the org is to describe, and what has come of it. Any thread.
final class Descriptions: Sendable {
    private struct State {
        var due: Set<String>
        var messages: [String: String] = [:]
    }

    private let state: Mutex<State>

    init(due: Set<String>) { state = Mutex(State(due: due)) }

    /// Why an object's description cannot be used, by name.
    var messages: [String: String] { state.withLock { $0.messages } }

    func ask(for object: String) { state.withLock { _ = $0.due.insert(object) } }

    /// Whether it is due; from now on it is not.
    func take(_ object: String) -> Bool { state.withLock { $0.due.remove(object) != nil } }

    func done(_ object: String) { state.withLock { $0.messages[object] = nil } }

    func failed(_ object: String, _ message: String) {
        state.withLock { state in
            state.messages[object] = message
            state.due.insert(object)
        }
    }
}

/// Notices that an object's events come in another schema: it has other fields.
final class SchemaWatch: LogObserver {
    private let objects: [String: String]
    private let changed: @Sendable (_ object: String) -> Void
    private let schemas = Mutex<[String: SchemaID]>([:])

    init(
        _ objects: [ReplicatedObject], in store: any EventStore,
        changed: @escaping @Sendable (_ object: String) -> Void
    ) async throws {
        let names = Dictionary(
            objects.map { (ChangeEventHeader.eventName(ofEntity: $0.name), $0.name) }, uniquingKeysWith: { $1 })
        self.objects = names
        self.changed = changed
        let known = try await store.read { reader in
            var known: [String: SchemaID] = [:]
            for (eventName, object) in names { known[object] = try reader.newestSchemaID(eventName: eventName) }
            return known
        }
        schemas.withLock { $0 = known }
    }

    func appended(_ events: [LoggedEvent]) {
        for event in events {
            guard let object = objects[event.content.eventName] else { continue }
            let id = event.content.event.schemaID
            if schemas.withLock({ $0.updateValue(id, forKey: object) }) != id { changed(object) }
        }
    }

    func declared(_ gap: Gap) {}
}
