import ChangeEvents
import Doors

extension OrgTransaction {
    /// The members of a create, update or upsert call as typed values in the shape of the object's template. A parent
    /// may be named by an external id of its own instead of its id: `"Account": {"Key__c": "a-1"}`.
    func values(_ object: ObjectDefinition, _ members: [JSONValue.Member]) throws -> RecordFields {
        let template = object.template
        var own: [JSONValue.Member] = []
        for member in members {
            if template.rule(member.name) == nil, let field = template.rule(relationship: member.name)?.field {
                guard case .object(let parent) = member.value else {
                    // Clients send records back with the empty parents that they got.
                    if member.value == .null { continue }
                    throw OrgError.cannotRead(field, token: "VALUE_STRING", value: member.name)
                }
                guard let id = try self.parent(of: field, parent) else { continue }
                own.append(.init(name: field.name, value: .string(id.string)))
            } else {
                own.append(member)
            }
        }
        return try RecordInput(object: object).values(own)
    }

    /// Nil where nothing but the type is said of the parent.
    private func parent(of field: FieldDefinition, _ members: [JSONValue.Member]) throws -> RecordID? {
        var type = field.reference?.objects.first ?? ""
        var keys: [JSONValue.Member] = []
        for member in members {
            if member.name == "attributes" {
                if case .object(let attributes) = member.value,
                    case .string(let name)? = attributes.first(where: { $0.name == "type" })?.value
                {
                    type = name
                }
            } else {
                keys.append(member)
            }
        }
        guard let key = keys.first else { return nil }
        guard keys.count == 1 else { throw OrgError.severalForeignKeys(field) }
        guard let target = catalogue.object(type), field.reference?.objects.contains(target.name) == true else {
            throw OrgError.noSuchColumn(field.reference?.relationshipName ?? field.name, object: type)
        }
        let text: String
        switch key.value {
        case .string(let value): text = value
        case .number(let literal): text = literal
        default: throw OrgError.noSuchForeignKey("null", key.name, target)
        }
        guard let found = try find(target.name, by: key.name, text) else {
            throw OrgError.noSuchForeignKey(text, key.name, target)
        }
        return found.id
    }
}

extension OrgError {
    static func noSuchForeignKey(_ value: String, _ field: String, _ object: ObjectDefinition) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_FIELD",
            message: "Foreign key external ID: \(value) not found for field \(field) in entity \(object.name)",
            fields: [])
    }

    static func severalForeignKeys(_ field: FieldDefinition) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_FIELD",
            message: "\(field.reference?.relationshipName ?? field.name): only one external id can be specified",
            fields: [])
    }
}
