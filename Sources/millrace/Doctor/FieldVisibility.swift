import ChangeEvents
import Twin
import Upstream

/// The wanted fields of a replicated object that its user does not see.
///
/// Field-level security says nothing: the description of an object lists the fields of the user, queries cannot name others,
/// and events have nulls in their place. The schema of the object's events lists all fields, whoever asks. Pure.
struct FieldVisibility: Sendable, Hashable {
    /// Named by the configuration, and hidden.
    let hiddenNamed: [String]
    /// Named by the configuration, and neither described nor in the schema: misspelt, or hidden and never in events.
    let unknownNamed: [String]
    /// Hidden, of those that are wanted without being named. In the order of the schema, compounds as a whole.
    let hidden: [String]

    /// - Parameter schema: of the object's change events; nil: there are none to be had.
    init(of object: ReplicatedObject, described: ObjectDescription, schema: EventSchema?) {
        let unseen = Self.unseen(schema, described)
        switch object.fields {
        case .all:
            hiddenNamed = []
            unknownNamed = []
            hidden = unseen.map(\.name)
        case .named(let names):
            let missing = names.filter { name in !described.fields.contains { $0.name == name } }
            let known = Set(unseen.flatMap { [$0.name] + $0.flatNames })
            hiddenNamed = missing.filter { known.contains($0) }
            unknownNamed = missing.filter { !known.contains($0) }
            hidden = unseen.map(\.name).filter { ReplicatedObject.always.contains($0) && !names.contains($0) }
        }
    }

    /// A compound is shown or hidden as a whole: which of its parts a description has depends on the org's settings.
    private static func unseen(_ schema: EventSchema?, _ described: ObjectDescription) -> [EventSchema.Field] {
        guard let schema else { return [] }
        let seen = Set(described.fields.map { $0.name.lowercased() })
        return schema.fields.dropFirst(schema.isChangeEvent ? 1 : 0).filter { field in
            // What has no kind is no field of the object: a user's sets of preferences.
            let names = [field.name] + field.flatNames
            return !field.kind.isEmpty && !names.contains { seen.contains($0.lowercased()) }
        }
    }
}
