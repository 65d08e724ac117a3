import Doors

/// Writes the Avro schema of an object's change event, as GetSchema of an org answers it: one line, top-level keys
/// `name`, `namespace`, `type`, `fields`, `uuid`; compounds declared where they first appear and named afterwards;
/// everything but the header a union with null.
struct EventSchemaText {
    static let namespace = "com.sforce.eventbus"

    let object: ObjectDefinition

    /// `id` nil: without `uuid`, for computing the id (which `uuid` does not enter).
    func json(id: String?) -> String {
        var declared: Set<String> = []
        var fields = [header]
        for field in object.fields where field.isCaptured && field.compoundName == nil && field.kind != .id {
            if field.isSwitchableName {
                let parts = self.parts(of: field, record: "Switchable_PersonName")
                fields.append(
                    union(field.name, [.string("string"), parts], doc: "Data:Switchable_PersonName"))
                continue
            }
            let doc = (field.eventDoc ?? field.kind.eventDoc) + (field.customID.map { ":" + $0 } ?? "")
            fields.append(nullable(field.name, type(of: field, declared: &declared), doc: doc))
        }
        var members: [JSONValue.Member] = [
            .init(name: "name", value: .string(object.changeEventName)),
            .init(name: "namespace", value: .string(Self.namespace)),
            .init(name: "type", value: .string("record")),
            .init(name: "fields", value: .array(fields)),
        ]
        if let id { members.append(.init(name: "uuid", value: .string(id))) }
        return JSONValue.object(members).jsonText
    }

    private var header: JSONValue {
        let texts = Set(["entityName", "changeOrigin", "transactionKey", "commitUser"])
        let lists = Set(["recordIds", "nulledFields", "diffFields", "changedFields"])
        let order = [
            "entityName", "recordIds", "changeType", "changeOrigin", "transactionKey", "sequenceNumber",
            "commitTimestamp",
            "commitNumber", "commitUser", "nulledFields", "diffFields", "changedFields",
        ]
        let fields = order.map { name -> JSONValue in
            let type: JSONValue
            if texts.contains(name) {
                type = .string("string")
            } else if lists.contains(name) {
                type = object([("type", .string("array")), ("items", .string("string"))])
            } else if name == "changeType" {
                type = changeType
            } else {
                type = .string(name == "sequenceNumber" ? "int" : "long")
            }
            return object([("name", .string(name)), ("type", type)])
        }
        let record = object([
            ("type", .string("record")), ("name", .string("ChangeEventHeader")), ("fields", .array(fields)),
        ])
        return object([
            ("name", .string("ChangeEventHeader")), ("type", record), ("doc", .string("Data:ComplexValueType")),
        ])
    }

    private var changeType: JSONValue {
        let symbols = [
            "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE",
            "GAP_OVERFLOW",
            "SNAPSHOT",
        ]
        return object([
            ("type", .string("enum")), ("name", .string("ChangeType")),
            ("symbols", .array(symbols.map { .string($0) })),
        ])
    }

    private func type(of field: FieldDefinition, declared: inout Set<String>) -> JSONValue {
        if let simple = field.kind.avroType { return .string(simple) }
        let record =
            switch field.kind {
            case .address: "Address"
            case .location: "Location"
            default: "PersonName"
            }
        guard declared.insert(record).inserted else { return .string(record) }
        return parts(of: field, record: record)
    }

    /// The record of a compound's parts.
    private func parts(of field: FieldDefinition, record: String) -> JSONValue {
        let parts = self.object.components(of: field).map { part in
            nullable(part.componentName(in: field), .string(part.kind.avroType ?? "string"), doc: nil)
        }
        return object([("type", .string("record")), ("name", .string(record)), ("fields", .array(parts))])
    }

    private func nullable(_ name: String, _ type: JSONValue, doc: String?) -> JSONValue {
        union(name, [type], doc: doc)
    }

    /// Of null and others.
    private func union(_ name: String, _ types: [JSONValue], doc: String?) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("name", .string(name)), ("type", .array([.string("null")] + types)),
        ]
        if let doc { members.append(("doc", .string(doc))) }
        members.append(("default", .null))
        return object(members)
    }

    private func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }
}
