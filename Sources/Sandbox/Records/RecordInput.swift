import ChangeEvents
import Doors

/// Reads the JSON members of a create or update call into typed values: unknown columns and values of the wrong JSON
/// type end here. What the values may be is `FieldRule`'s matter.
struct RecordInput {
    let object: ObjectDefinition

    /// In the shape of the object's template.
    func values(_ members: [JSONValue.Member]) throws(OrgError) -> RecordFields {
        var values = RecordFields(shape: object.template.shape)
        for member in members {
            // Clients send records back as they got them; the type is in the path.
            if member.name == "attributes" { continue }
            guard let rule = object.template.rule(member.name), !rule.field.isHidden else {
                throw .noSuchColumn(member.name, object: object.name)
            }
            if rule.field.kind == .id { throw .idInBody() }
            guard values[rule.place] == nil else { throw .fieldTwice(rule.field.name) }
            values[rule.place] = try value(member.value, of: rule.field)
        }
        return values
    }

    private func value(_ json: JSONValue, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        if field.kind.isCompound { throw .notWritable([field.name]) }
        switch json {
        case .null:
            // A checkbox has no null; every other field is emptied.
            if field.kind == .boolean { throw .cannotRead(field, token: "VALUE_NULL", value: "null") }
            return .null
        case .boolean(let flag):
            if field.kind == .boolean { return .boolean(flag) }
            if field.kind.isText { return .string(String(flag)) }
            throw .cannotRead(field, token: flag ? "VALUE_TRUE" : "VALUE_FALSE", value: String(flag))
        case .number(let literal):
            return try number(literal, of: field)
        case .string(let text):
            return try string(text, of: field)
        case .array:
            throw .cannotRead(field, token: "START_ARRAY", value: nil)
        case .object:
            throw .cannotRead(field, token: "START_OBJECT", value: "{")
        }
    }

    private func number(_ literal: String, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        if field.kind.isText { return .string(literal) }
        let isWhole = !literal.contains { $0 == "." || $0 == "e" || $0 == "E" }
        let token = isWhole ? "VALUE_NUMBER_INT" : "VALUE_NUMBER_FLOAT"
        switch field.kind {
        case .integer:
            guard isWhole else { throw .cannotRead(field, token: token, value: literal) }
            guard let value = Int64(literal), Int32(exactly: value) != nil else {
                throw .numberOutOfRange(field, literal)
            }
            return .integer(value)
        case .double, .currency, .percent:
            guard let value = Double(literal), value.isFinite else { throw .numberOutOfRange(field, literal) }
            return .double(value)
        default:
            throw .cannotRead(field, token: token, value: literal)
        }
    }

    /// A value given as text, in a JSON string or a cell of CSV.
    func string(_ text: String, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        guard let value = FieldText.value(text, of: field) else {
            throw .cannotRead(field, token: "VALUE_STRING", value: text)
        }
        return value
    }
}
