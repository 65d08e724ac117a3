import ChangeEvents
import Doors
import Logging

/// `CustomObject`: custom objects (`X__c`) and platform events (`X__e`), made from `FullName` and `Metadata`.
struct CustomObjectTooling: ToolingObject {
    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "CustomObject", label: "Custom Object", labelPlural: "Custom Objects", keyPrefix: "01I",
            isCapturable: false,
            fields: ToolingFields.leading("Custom Object ID") + [
                .text("DeveloperName", "Object Name", 80), .text("NamespacePrefix", "Namespace Prefix", 15),
                .text("Description", "Description", 1_000),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let name = try input.text("FullName")
        let schema = try definitions(of: name, input)
        return try await sandbox.alterSchema { custom, newID in
            guard custom.object(name) == nil else { throw OrgError.duplicateName(name) }
            try custom.take(schema, newID: newID)
            guard let id = custom.object(name).flatMap({ RecordID($0.id) }) else { throw OrgError.internalFailure() }
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let name = try input.text("FullName")
        let schema = try definitions(of: name, input)
        try await sandbox.alterSchema { custom, newID in
            guard custom.object(name)?.id == id.string else {
                throw OrgError.integrity("The name of an object can't be changed.", ["FullName"])
            }
            try custom.take(schema, newID: newID)
        }
    }

    /// Its records go with it.
    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        guard let object = sandbox.schema.custom.objects.first(where: { $0.id == id.string }) else {
            throw .recordNotFound()
        }
        let event = object.isEvent ? object.name : ChangeEventHeader.eventName(ofEntity: object.name)
        if let member = sandbox.channels.current.members.first(where: { $0.event == event }) {
            throw .inUse(object.name, by: member.fullName)
        }
        try await sandbox.alterSchema { custom, _ in
            let users = custom.fields.filter {
                $0.metadata.referenceTo.contains(object.name) && $0.object != object.name
            }
            if let user = users.first { throw OrgError.inUse(object.name, by: "\(user.object).\(user.name)") }
            custom.removeObject(object.name)
        }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        sandbox.schema.custom.objects.compactMap { object in
            guard let id = RecordID(object.id) else { return nil }
            return ToolingRow(
                id: id, values: ["DeveloperName": .string(String(object.name.dropLast(3)))], fullName: object.name,
                metadata: MetadataAnswer.object(object))
        }
    }

    /// One custom object or event of its metadata; fields are written as `CustomField`.
    private func definitions(of name: String, _ input: ToolingInput) throws(OrgError) -> CustomSchema {
        guard name.hasSuffix("__c") || name.hasSuffix("__e") else {
            throw .integrity("\(name) is not the name of a custom object or platform event.", ["FullName"])
        }
        let members = try input.metadata().filter { $0.name != "fields" }
        let reader = SchemaReader()
        reader.readDefinition(name, SchemaNode(.object(members)))
        if let mistake = reader.mistakes.first { throw .integrity(mistake.message, ["Metadata"]) }
        return reader.schema
    }
}

extension OrgError {
    static func duplicateName(_ name: String) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "DUPLICATE_DEVELOPER_NAME",
            message: "There is already an object or field with the name \(name).", fields: ["FullName"])
    }

    static func inUse(_ name: String, by user: String) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "DEPENDENCY_EXISTS",
            message: "\(name) cannot be deleted: it is used by \(user).", fields: [])
    }
}

extension Sandbox {
    /// `changeSchema` for a caller of the API.
    func alterSchema<T: Sendable>(
        _ body: @escaping @Sendable (inout CustomSchema, _ newID: (_ prefix: String) throws -> String) throws -> T
    ) async throws(OrgError) -> T {
        do {
            return try await changeSchema(body)
        } catch let error as OrgError {
            throw error
        } catch {
            logger.error("the org's objects could not be changed", metadata: ["error": "\(error)"])
            throw .internalFailure()
        }
    }
}
