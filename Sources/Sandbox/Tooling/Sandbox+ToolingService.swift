import Foundation
import ChangeEvents
public import Doors

extension Sandbox: ToolingService {
    /// The objects of the Tooling API.
    static let toolingObjects: [any ToolingObject] = [
        ChannelTooling(), ChannelMemberTooling(), EnrichedFieldTooling(), ManagedSubscriptionTooling(),
        SubscriberConfigTooling(), CustomObjectTooling(), CustomFieldTooling(),
    ]

    public func toolingDescribeGlobal(context: CallContext) async throws(OrgError) -> JSONValue {
        let catalogue = Catalogue(Self.toolingObjects.map(\.definition))
        return Self.asTooling(Describe(catalogue: catalogue, apiVersion: context.apiVersion).global())
    }

    public func toolingDescribe(object: String, context: CallContext) async throws(OrgError) -> JSONValue {
        let catalogue = Catalogue(Self.toolingObjects.map(\.definition))
        let definition = try toolingObject(object).definition
        return Self.asTooling(Describe(catalogue: catalogue, apiVersion: context.apiVersion).object(definition))
    }

    public func toolingCreate(
        object: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) -> String {
        try await toolingObject(object).create(ToolingInput(members: fields), in: self, context: context).string
    }

    public func toolingUpdate(
        object: String, id: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) {
        let tooling = try toolingObject(object)
        let row = try await toolingRow(of: tooling, id)
        try await tooling.update(row.id, ToolingInput(members: fields), in: self, context: context)
    }

    public func toolingDelete(object: String, id: String, context: CallContext) async throws(OrgError) {
        let tooling = try toolingObject(object)
        let row = try await toolingRow(of: tooling, id)
        try await tooling.delete(row.id, in: self, context: context)
    }

    public func toolingRetrieve(
        object: String, id: String, fields: [String]?, context: CallContext
    ) async throws(OrgError) -> JSONValue {
        let tooling = try toolingObject(object)
        let row = try await toolingRow(of: tooling, id)
        return try ToolingAnswer(object: tooling.definition, row: row, apiVersion: context.apiVersion)
            .json(fields: fields)
    }

    func toolingObject(_ name: String) throws(OrgError) -> any ToolingObject {
        let found = Self.toolingObjects.first { $0.name.lowercased() == name.lowercased() }
        guard let found else { throw .objectNotFound() }
        return found
    }

    private func toolingRow(of object: any ToolingObject, _ id: String) async throws(OrgError) -> ToolingRow {
        guard let id = RecordID(id) else {
            throw .malformedID(id, label: "\(object.definition.label) ID", field: "Id")
        }
        guard let row = try await object.rows(in: self).first(where: { $0.id == id }) else {
            throw .recordNotFound()
        }
        return row
    }

    /// Addresses of tooling objects have `tooling` in them.
    static func asTooling(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            return .object(members.map { .init(name: $0.name, value: asTooling($0.value)) })
        case .array(let elements): return .array(elements.map(asTooling))
        case .string(let text) where text.hasPrefix("/services/data/"):
            guard let place = text.range(of: "/sobjects/") else { return value }
            return .string(text.replacingCharacters(in: place, with: "/tooling/sobjects/"))
        case .string, .null, .boolean, .number: return value
        }
    }
}

/// A tooling record as REST answers it: `attributes`, its columns, then `FullName` and `Metadata` where it has them.
struct ToolingAnswer {
    let object: ObjectDefinition
    let row: ToolingRow
    /// `66.0`
    let apiVersion: String

    func json(fields names: [String]?) throws(OrgError) -> JSONValue {
        let url = "/services/data/v\(apiVersion)/tooling/sobjects/\(object.name)/\(row.id.string)"
        let attributes = JSONValue.object([
            .init(name: "type", value: .string(object.name)), .init(name: "url", value: .string(url)),
        ])
        var members = [JSONValue.Member(name: "attributes", value: attributes)]
        guard let names else {
            for field in object.fields { members.append(.init(name: field.name, value: value(of: field))) }
            if let fullName = row.fullName { members.append(.init(name: "FullName", value: .string(fullName))) }
            if let metadata = row.metadata { members.append(.init(name: "Metadata", value: metadata)) }
            return .object(members)
        }
        for name in names { members.append(try member(name)) }
        return .object(members)
    }

    func member(_ name: String) throws(OrgError) -> JSONValue.Member {
        if let field = object.field(name) { return .init(name: field.name, value: value(of: field)) }
        switch name.lowercased() {
        case "fullname" where row.fullName != nil:
            return .init(name: "FullName", value: row.fullName.map { .string($0) } ?? .null)
        case "metadata" where row.metadata != nil: return .init(name: "Metadata", value: row.metadata ?? .null)
        default: throw .noSuchColumn(name, object: object.name)
        }
    }

    private func value(of field: FieldDefinition) -> JSONValue {
        field.kind == .id ? .string(row.id.string) : RecordAnswer.json(row.values[field.name] ?? .null)
    }
}
