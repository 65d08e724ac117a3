import Store
import ChangeEvents
public import Doors

extension Sandbox: EventSchemaService {
    public func eventSchema(id: String, context: CallContext) async throws(OrgError) -> String {
        let text: String?
        do {
            text = try await readingBus { try $0.schemaJSON(SchemaID(id)) }
        } catch {
            throw .internalFailure()
        }
        guard let text else { throw .objectNotFound() }
        return text
    }

    public func eventSchema(event: String, context: CallContext) async throws(OrgError) -> String {
        let schema = self.schema
        let name = event.lowercased()
        let found =
            schema.captured.values.first { $0.object.changeEventName.lowercased() == name }?.schema
            ?? schema.eventSchemas.first { $0.key.lowercased() == name }?.value
        guard let found else { throw .objectNotFound() }
        return found.json
    }
}
