import ChangeEvents
import Doors

/// One object of the Tooling API. Describe, retrieve and query follow from `definition` and `rows`; only the writing
/// calls are its own.
///
/// Stateless: the state is the sandbox's, kept in its store. Any task may call.
protocol ToolingObject: Sendable {
    /// Columns of describe and query. `FullName` and `Metadata` come by themselves and are not among them.
    var definition: ObjectDefinition { get }
    /// False where no such object can be made through the API.
    var isWritable: Bool { get }
    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID
    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError)
    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError)
    /// Every record there is, oldest first.
    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow]
}

extension ToolingObject {
    var name: String { definition.name }
    var isWritable: Bool { true }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        throw .notAllowed("inserted", object: name)
    }
    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        throw .notAllowed("updated", object: name)
    }
    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        throw .notAllowed("deleted", object: name)
    }
}

/// One record of a tooling object.
struct ToolingRow: Sendable, Hashable {
    var id: RecordID
    /// By column name; a missing one is null. `Id` is not among them.
    var values: [String: FieldValue]
    /// Nil where the object has none (`EnrichedField`).
    var fullName: String?
    var metadata: JSONValue?

    init(id: RecordID, values: [String: FieldValue], fullName: String? = nil, metadata: JSONValue? = nil) {
        self.id = id
        self.values = values
        self.fullName = fullName
        self.metadata = metadata
    }
}

/// The body of a writing call: `{"FullName":"Sales__chn","Metadata":{…}}`.
struct ToolingInput: Sendable {
    let members: [JSONValue.Member]

    func value(_ name: String) -> JSONValue? { members.value(name) }

    /// The text of a member that must be there.
    func text(_ name: String) throws(OrgError) -> String { try members.text(name) }

    /// The members of `Metadata`, which must be there: a PATCH needs the whole body as well.
    func metadata() throws(OrgError) -> [JSONValue.Member] {
        guard case .object(let members)? = value("Metadata") else { throw .requiredMissing(["Metadata"]) }
        return members
    }
}

extension [JSONValue.Member] {
    /// Names compare without case; null counts as absent.
    func value(_ name: String) -> JSONValue? {
        let found = first { $0.name.lowercased() == name.lowercased() }?.value
        return found == .null ? nil : found
    }

    func text(_ name: String) throws(OrgError) -> String {
        guard let text = try optionalText(name), !text.isEmpty else { throw .requiredMissing([name]) }
        return text
    }

    func optionalText(_ name: String) throws(OrgError) -> String? {
        switch value(name) {
        case nil: return nil
        case .string(let text): return text
        default: throw .wrongType(name, "a text")
        }
    }

    func optionalInteger(_ name: String) throws(OrgError) -> Int? {
        switch value(name) {
        case nil: return nil
        case .number(let literal):
            guard let number = Int(literal) else { throw .wrongType(name, "a whole number") }
            return number
        default: throw .wrongType(name, "a whole number")
        }
    }

    /// Refuses members that the object does not know.
    func check(known names: Set<String>, of object: String) throws(OrgError) {
        let known = Set(names.map { $0.lowercased() })
        for member in self where !known.contains(member.name.lowercased()) && member.name != "attributes" {
            throw .noSuchColumn(member.name, object: object)
        }
    }
}

extension OrgError {
    static func wrongType(_ field: String, _ what: String) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "JSON_PARSER_ERROR", message: "\(field) must be \(what)",
            fields: [field])
    }

    /// What an org says of values that do not go together.
    static func integrity(_ message: String, _ fields: [String] = []) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "FIELD_INTEGRITY_EXCEPTION", message: message, fields: fields)
    }

    static func duplicate(_ message: String, _ fields: [String] = []) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "DUPLICATE_VALUE", message: message, fields: fields)
    }

    static func limitExceeded(_ message: String) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "LIMIT_EXCEEDED", message: message, fields: [])
    }
}
