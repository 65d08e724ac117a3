import ChangeEvents
import Foundation
import Store

/// The org's objects at one version, and what is compiled from them. Immutable; a schema change makes the next one.
struct OrgSchema: Sendable {
    let version: UInt64
    let custom: CustomSchema
    let catalogue: Catalogue
    /// Objects that change events can be had for, by name.
    let captured: [String: CapturedObject]
    /// Compiled schemas of the platform events, by name.
    let eventSchemas: [String: EventSchema]

    /// `previous`: what of it is the same is taken over, compiled.
    init(_ custom: CustomSchema, version: UInt64, standard: Catalogue, previous: OrgSchema?) throws(SandboxError) {
        self.custom = custom
        self.version = version
        catalogue = custom.catalogue(standard: standard)
        var captured: [String: CapturedObject] = [:]
        for object in catalogue.objects where object.isCapturable {
            if let known = previous?.captured[object.name], known.object.fields == object.fields {
                captured[object.name] = known
            } else {
                captured[object.name] = try CapturedObject(object)
            }
        }
        self.captured = captured
        var eventSchemas: [String: EventSchema] = [:]
        for event in catalogue.events {
            eventSchemas[event.name] = try PlatformEventSchemaText(event: event).compiled()
        }
        self.eventSchemas = eventSchemas
    }

    /// As kept in the store: the version of the counters, and the definitions.
    static func read(
        version: UInt64, _ reader: any StoreReader, standard: Catalogue, previous: OrgSchema?
    ) throws -> OrgSchema {
        var custom = CustomSchema()
        if let bytes = try reader.state(CustomSchema.stateKey) {
            do {
                custom = try JSONDecoder().decode(CustomSchema.self, from: Data(bytes))
            } catch {
                throw SandboxError(
                    code: .stateDamaged, message: "the org's objects cannot be read from the store", cause: error)
            }
        }
        return try OrgSchema(custom, version: version, standard: standard, previous: previous)
    }

    /// Keeps the definitions and every event schema; those of earlier versions stay, so that their events are readable.
    func write(_ writer: any StoreWriter) throws {
        try writer.setState(CustomSchema.stateKey, to: [UInt8](JSONEncoder().encode(custom)))
        try writeEventSchemas(writer)
    }

    func writeEventSchemas(_ writer: any StoreWriter) throws {
        for schema in captured.values.map(\.schema) + eventSchemas.values
        where try writer.schemaJSON(schema.id) == nil {
            try writer.saveSchema(schema.id, json: schema.json)
        }
    }
}
