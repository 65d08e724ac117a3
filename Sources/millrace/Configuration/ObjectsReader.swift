import ChangeEvents
import Twin
import Yams

/// Reads `objects`: which objects are replicated, and with which fields.
struct ObjectsReader {
    let root: Section
    let topics: [String]

    private static let fields = "fields"

    /// Nil where there is a mistake.
    func objects() -> [ReplicatedObject]? {
        guard let node = root.node("objects") else { return root.has("objects") ? nil : [] }
        guard case .mapping(let mapping) = node else {
            root.mistake(
                "objects", "must be objects with their fields: Case: {fields: [Subject, Status]}, or {fields: all}")
            return nil
        }
        var objects: [ReplicatedObject] = []
        var isRight = true
        for (key, value) in mapping {
            let line = key.mark?.line ?? root.line(of: "objects")
            let name = key.scalarText ?? ""
            guard TopicCheck.isObjectName(name) else {
                note("\(name) is not the API name of an object", line, &isRight)
                continue
            }
            guard let fields = fields(of: name, value, line: line, &isRight) else { continue }
            let topics = topics(of: name)
            if topics.isEmpty {
                note(
                    "\(name): no topic brings its changes: add /data/ChangeEvents or /data/\(ChangeEventHeader.eventName(ofEntity: name)) to topics",
                    line, &isRight)
            }
            objects.append(ReplicatedObject(name: name, fields: fields, topics: topics))
        }
        return isRight ? objects : nil
    }

    private func fields(
        of object: String, _ node: Node, line: Int, _ isRight: inout Bool
    ) -> ReplicatedObject.Fields? {
        guard case .mapping(let mapping) = node, mapping.count == 1, let (key, value) = mapping.first,
            key.scalarText == Self.fields
        else {
            note("\(object) must have \(Self.fields), all or a list of names, and nothing else", line, &isRight)
            return nil
        }
        if value.scalarText == "all" { return .all }
        guard case .sequence(let items) = value, !items.isEmpty else {
            note("\(object).\(Self.fields) must be all or a list of names, such as [Subject, Status]", line, &isRight)
            return nil
        }
        var names: [String] = []
        for item in items {
            let line = item.mark?.line ?? line
            guard let name = item.scalarText, TopicCheck.isObjectName(name) else {
                note(
                    "\(object).\(Self.fields): \(item.scalarText ?? "this") is not the API name of a field", line,
                    &isRight)
                continue
            }
            if names.contains(name) { note("\(object).\(Self.fields) has \(name) twice", line, &isRight) }
            names.append(name)
        }
        return .named(names)
    }

    /// A channel of the org's own may bring anything.
    private func topics(of object: String) -> Set<String> {
        Set(
            topics.filter { topic in
                topic == "/data/ChangeEvents" || topic == "/data/\(ChangeEventHeader.eventName(ofEntity: object))"
                    || (topic.hasPrefix("/data/") && topic.hasSuffix("__chn"))
            })
    }

    private func note(_ message: String, _ line: Int, _ isRight: inout Bool) {
        root.mistakes.add("objects: \(message)", line: line)
        isRight = false
    }
}
