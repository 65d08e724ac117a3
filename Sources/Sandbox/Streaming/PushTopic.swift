import ChangeEvents
import Doors
import Matching
import SOQL
import Store

/// A PushTopic that is active, compiled: judges what a transaction did to a record.
struct PushTopic: Sendable {
    enum NotifyForFields: String, Sendable {
        case all = "All"
        case referenced = "Referenced"
        case select = "Select"
        case `where` = "Where"
    }

    let name: String
    let query: PushTopicQuery
    let fields: NotifyForFields
    private let operations: Set<ChangeType>

    /// Nil for a topic that is switched off or (after a change of the schema) no longer parses.
    init?(_ image: RecordImage, catalogue: Catalogue) {
        guard case .string(let name) = image.fields["Name"] ?? .null, image.fields["IsActive"] == .boolean(true),
            case .string(let text) = image.fields["Query"] ?? .null,
            let query = try? PushTopicQuery(text, catalogue: catalogue)
        else { return nil }
        self.name = name
        self.query = query
        var fields = NotifyForFields.referenced
        if case .string(let text) = image.fields["NotifyForFields"] ?? .null {
            fields = NotifyForFields(rawValue: text) ?? .referenced
        }
        self.fields = fields
        let flags: [(String, ChangeType)] = [
            ("NotifyForOperationCreate", .create), ("NotifyForOperationUpdate", .update),
            ("NotifyForOperationDelete", .delete), ("NotifyForOperationUndelete", .undelete),
        ]
        operations = Set(flags.filter { image.fields[$0.0] != .boolean(false) }.map(\.1))
    }

    var channel: String { "/topic/\(name)" }

    /// What the topic's subscribers are told of a change; nil: nothing.
    func event(of change: RecordChange, now: Int64) throws(OrgError) -> LegacyEvent? {
        guard change.object.name == query.object.name, let type = change.changeType, operations.contains(type) else {
            return nil
        }
        // Of a deleted record the last state counts; of all others the new one.
        let image = type == .delete ? (change.before ?? change.after).image : change.after.image
        if let condition = query.condition {
            let source = ImageSource(object: query.object, image: image)
            guard condition.evaluate(on: source) == .yes else { return nil }
        }
        if type == .update, !isConcerned(change) { return nil }
        let names = type == .delete ? ["Id"] : query.selected
        let answer = try RecordAnswer(object: query.object, image: image, apiVersion: "", derived: [:]).json(
            fields: names)
        return LegacyEvent(
            createdAt: now, body: .record(type: Self.word(type), sobject: sobject(answer).jsonText))
    }

    /// An update counts when one of these fields has changed.
    private func isConcerned(_ change: RecordChange) -> Bool {
        let watched: [String]
        switch fields {
        case .all: return true
        case .referenced: watched = query.selected + query.referenced
        case .select: watched = query.selected
        case .where: watched = query.referenced
        }
        let before = change.before?.image.fields ?? [:]
        let after = change.after.image.fields
        for name in watched {
            guard let field = query.object.field(name) else { continue }
            let stored = field.kind.isCompound ? query.object.components(of: field).map(\.name) : [field.name]
            if stored.contains(where: { (before[$0] ?? .null) != (after[$0] ?? .null) }) { return true }
        }
        return false
    }

    /// The record as CometD shows it: without `attributes`, and date-times with `Z`.
    private func sobject(_ answer: JSONValue) -> JSONValue {
        guard case .object(let members) = answer else { return answer }
        return .object(
            members.filter { $0.name != "attributes" }.map { member in
                guard query.object.field(member.name)?.kind == .dateTime, case .string(let text) = member.value,
                    text.hasSuffix("+0000")
                else { return member }
                return .init(name: member.name, value: .string(text.dropLast(5) + "Z"))
            })
    }

    private static func word(_ type: ChangeType) -> String {
        switch type {
        case .create: "created"
        case .delete: "deleted"
        case .undelete: "undeleted"
        default: "updated"
        }
    }
}

/// A record's image as conditions see it. Names compare without case.
struct ImageSource: FieldSource {
    let object: ObjectDefinition
    let image: RecordImage

    func value(of field: String) -> Value? {
        guard let field = object.field(field) else { return nil }
        if field.kind == .id { return .string(image.id.string) }
        return image.fields[field.name].map { Value($0) } ?? .null
    }
}
