internal import ChangeEvents
internal import Synchronization

/// Compiled schemas of the events that clients were sent. Bounded; any thread.
final class BayeuxSchemas: Sendable {
    private static let schemasMax = 1_000

    private let bus: any EventBus
    private let schemas = Mutex<[SchemaID: EventSchema]>([:])

    init(bus: any EventBus) {
        self.bus = bus
    }

    /// Nil: the bus knows no schema of this id.
    func schema(_ id: SchemaID, caller: BusCaller) async throws(EventBusError) -> EventSchema? {
        if let known = schemas.withLock({ $0[id] }) { return known }
        let json: String
        do throws(EventBusError) {
            json = try await bus.schemaJSON(id.string, caller: caller)
        } catch {
            // An unknown schema is an answer; a failure is not.
            guard error.code == .schemaInvalid else { throw error }
            return nil
        }
        let schema: EventSchema
        do throws(AvroError) {
            schema = try EventSchema(json: json)
        } catch {
            throw EventBusError(code: .internalError, message: "the schema \(id) cannot be read: \(error.message)")
        }
        schemas.withLock { schemas in
            if schemas.count >= Self.schemasMax { schemas.removeAll() }
            schemas[id] = schema
        }
        return schema
    }
}
