import ChangeEvents
import Doors

/// `CustomField`: fields of all objects and platform events. `FullName` is `Account.Tier__c`.
struct CustomFieldTooling: ToolingObject {
    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "CustomField", label: "Custom Field", labelPlural: "Custom Fields", keyPrefix: "00N",
            isCapturable: false,
            fields: ToolingFields.leading("Custom Field ID") + [
                .text("DeveloperName", "Field Name", 80), .text("TableEnumOrId", "Entity", 40),
                .text("NamespacePrefix", "Namespace Prefix", 15),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let field = try field(input, sandbox.catalogue)
        return try await sandbox.alterSchema { custom, newID in
            guard custom.field(field.name, of: field.object) == nil else {
                throw OrgError.duplicateName("\(field.object).\(field.name)")
            }
            try custom.put(field, newID: newID)
            guard let id = custom.field(field.name, of: field.object).flatMap({ RecordID($0.id) }) else {
                throw OrgError.internalFailure()
            }
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let field = try field(input, sandbox.catalogue)
        try await sandbox.alterSchema { custom, newID in
            guard custom.field(field.name, of: field.object).flatMap({ RecordID($0.id) }) == id else {
                throw OrgError.integrity("The name of a field can't be changed.", ["FullName"])
            }
            try custom.refuseTypeChange(of: field)
            try custom.put(field, newID: newID)
        }
    }

    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        let schema = sandbox.schema
        guard let field = schema.custom.fields.first(where: { RecordID($0.id) == id }) else { throw .recordNotFound() }
        let object = schema.catalogue.object(field.object) ?? schema.catalogue.event(field.object)
        if let object, let member = sandbox.channelUse(ofField: field.name, on: object) {
            throw .inUse("\(field.object).\(field.name)", by: member)
        }
        try await sandbox.alterSchema { custom, _ in
            let full = "\(field.object).\(field.name)"
            let users = custom.fields.filter { other in
                other.metadata.summaryForeignKey == full || other.metadata.summarizedField == full
                    || other.metadata.summaryFilterItems.contains { $0.field == full }
            }
            if let user = users.first { throw OrgError.inUse(full, by: "\(user.object).\(user.name)") }
            custom.removeField(field.name, of: field.object)
        }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        let custom = sandbox.schema.custom
        return custom.fields.compactMap { field in
            guard let id = RecordID(field.id) else { return nil }
            return ToolingRow(
                id: id,
                values: [
                    "DeveloperName": .string(String(field.name.dropLast(3))),
                    "TableEnumOrId": .string(custom.object(field.object)?.id ?? field.object),
                ], fullName: "\(field.object).\(field.name)", metadata: MetadataAnswer.field(field.metadata))
        }
    }

    /// The object's name is kept as the object has it, however the caller wrote it.
    private func field(_ input: ToolingInput, _ catalogue: Catalogue) throws(OrgError) -> CustomSchema.Field {
        let fullName = try input.text("FullName")
        guard let name = SchemaName.qualified(fullName) else {
            throw .integrity("FullName must be Object.Field__c", ["FullName"])
        }
        let object = (catalogue.object(name.object) ?? catalogue.event(name.object))?.name ?? name.object
        let reader = SchemaReader()
        reader.readField(name.field, of: object, SchemaNode(.object(try input.metadata())))
        if let mistake = reader.mistakes.first { throw .integrity(mistake.message, ["Metadata"]) }
        guard let field = reader.schema.fields.first else { throw .integrity("\(fullName) is no field", ["FullName"]) }
        return field
    }
}

/// Definitions in the form of the Metadata API, as they are answered.
enum MetadataAnswer {
    static func object(_ object: CustomSchema.Object) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("label", .string(object.label)), ("pluralLabel", .string(object.pluralLabel)),
        ]
        if let behavior = object.publishBehavior {
            members += [("eventType", .string("HighVolume")), ("publishBehavior", .string(behavior.rawValue))]
        }
        if let name = object.nameField {
            var parts: [(String, JSONValue)] = [
                ("label", .string(name.label)), ("type", .string(name.displayFormat == nil ? "Text" : "AutoNumber")),
            ]
            if let format = name.displayFormat { parts.append(("displayFormat", .string(format))) }
            members += [("nameField", json(parts)), ("deploymentStatus", .string("Deployed"))]
        }
        return json(members)
    }

    static func field(_ field: FieldMetadata) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("type", .string(field.type.rawValue)), ("label", .string(field.label)),
            ("required", .boolean(field.required)), ("unique", .boolean(field.unique)),
            ("caseSensitive", .boolean(field.caseSensitive)), ("externalId", .boolean(field.externalId)),
        ]
        let numbers: [(String, Int?)] = [
            ("length", field.length), ("precision", field.precision), ("scale", field.scale),
            ("relationshipOrder", field.relationshipOrder), ("startingNumber", field.startingNumber),
        ]
        members += numbers.compactMap { name, value in value.map { (name, .number(String($0))) } }
        let texts: [(String, String?)] = [
            ("defaultValue", field.defaultFormula ?? field.defaultValue), ("formula", field.formula),
            ("formulaTreatBlanksAs", field.formulaTreatBlanksAs?.rawValue),
            ("relationshipName", field.relationshipName), ("deleteConstraint", field.deleteConstraint?.rawValue),
            ("displayFormat", field.displayFormat), ("summarizedField", field.summarizedField),
            ("summaryForeignKey", field.summaryForeignKey), ("summaryOperation", field.summaryOperation?.rawValue),
        ]
        members += texts.compactMap { name, value in value.map { (name, .string($0)) } }
        if field.referenceTo.count == 1 {
            members.append(("referenceTo", .string(field.referenceTo[0])))
        } else if !field.referenceTo.isEmpty {
            members.append(("referenceTo", .array(field.referenceTo.map { .string($0) })))
        }
        if field.type == .masterDetail {
            members.append(("reparentableMasterDetail", .boolean(field.reparentableMasterDetail)))
        }
        if !field.values.isEmpty { members.append(("valueSet", valueSet(field))) }
        if !field.summaryFilterItems.isEmpty {
            members.append(
                (
                    "summaryFilterItems",
                    .array(
                        field.summaryFilterItems.map { filter in
                            json([
                                ("field", .string(filter.field)), ("operation", .string(filter.operation.rawValue)),
                                ("value", .string(filter.value)),
                            ])
                        })
                ))
        }
        return json(members)
    }

    private static func valueSet(_ field: FieldMetadata) -> JSONValue {
        let values = field.values.map { value in
            json([
                ("valueName", .string(value.name)), ("default", .boolean(value.isDefault)),
                ("label", .string(value.name)),
            ])
        }
        return json([
            ("restricted", .boolean(field.restricted)),
            ("valueSetDefinition", json([("sorted", .boolean(false)), ("value", .array(values))])),
        ])
    }

    private static func json(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }
}
