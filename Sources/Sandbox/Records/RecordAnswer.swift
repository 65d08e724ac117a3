import ChangeEvents
import Doors

/// A record as REST answers it: `attributes`, then fields in the order of describe or of the caller's list.
struct RecordAnswer {
    let object: ObjectDefinition
    let image: RecordImage
    /// `66.0`
    let apiVersion: String
    /// Values that are made when the record is read (`ContactEmail`).
    let derived: [String: FieldValue]

    func json(fields names: [String]?) throws(OrgError) -> JSONValue {
        let attributes = JSONValue.object([
            .init(name: "type", value: .string(object.name)),
            .init(
                name: "url",
                value: .string("/services/data/v\(apiVersion)/sobjects/\(object.name)/\(image.id.string)")),
        ])
        var members = [JSONValue.Member(name: "attributes", value: attributes)]
        for field in try wanted(names) { members.append(.init(name: field.name, value: value(of: field))) }
        return .object(members)
    }

    private func wanted(_ names: [String]?) throws(OrgError) -> [FieldDefinition] {
        guard let names else { return object.visibleFields }
        var fields: [FieldDefinition] = []
        for name in names {
            guard let field = object.visibleField(name) else { throw .noSuchColumn(name, object: object.name) }
            if !fields.contains(field) { fields.append(field) }
        }
        // The id comes along whether it was asked for or not.
        if !fields.contains(where: { $0.kind == .id }) { fields += object.fields.filter { $0.kind == .id } }
        return fields
    }

    private func value(of field: FieldDefinition) -> JSONValue {
        switch field.kind {
        case .id: .string(image.id.string)
        case .personName: RecordName.person(image.fields).map { .string($0) } ?? .null
        case .address, .location: compound(field)
        default: Self.json(derived[field.name] ?? image.fields[field.name] ?? .null)
        }
    }

    /// Keys are the components' names with a small letter, in alphabetical order; null when all components are.
    private func compound(_ compound: FieldDefinition) -> JSONValue {
        let members = object.components(of: compound).map { part in
            let name = part.componentName(in: compound)
            return JSONValue.Member(
                name: name.prefix(1).lowercased() + name.dropFirst(), value: Self.json(image.fields[part.name] ?? .null)
            )
        }
        guard members.contains(where: { $0.value != .null }) else { return .null }
        return .object(members.sorted { $0.name < $1.name })
    }

    static func json(_ value: FieldValue) -> JSONValue {
        switch value {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .number(String(number))
        case .double(let number): .number(String(number))
        case .string(let text): .string(text)
        case .date(let milliseconds): .string(OrgTime.dateText(milliseconds))
        case .dateTime(let milliseconds): .string(OrgTime.dateTimeText(milliseconds))
        case .time(let milliseconds): .string(OrgTime.timeText(milliseconds))
        case .list(let names): .string(names.joined(separator: ";"))
        }
    }
}
