import ChangeEvents
import Twin
import Yams

/// Reads `objects`: which objects are replicated, with which fields, and how often the org is asked for what no event tells.
struct ObjectsReader {
    let root: Section
    let topics: [String]

    private static let fields = "fields"
    private static let poll = "poll"
    private static let refreshFormulas = "refresh_formulas"
    private static let history = "history"
    /// Between two polls or refreshes of an object.
    private static let intervals: ClosedRange<Duration> = .seconds(10) ... .seconds(30 * 86_400)
    /// How long a history is kept.
    private static let historySpans: ClosedRange<Duration> = .seconds(3_600) ... .seconds(36_500 * 86_400)

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
            guard let settings = settings(of: name, value, line: line, &isRight),
                let fields = fields(of: name, settings[Self.fields], line: line, &isRight)
            else { continue }
            let poll = interval(of: name, Self.poll, settings, line, &isRight)
            let refresh = interval(of: name, Self.refreshFormulas, settings, line, &isRight)
            let topics = topics(of: name)
            if topics.isEmpty, settings[Self.poll] == nil {
                note(
                    "\(name): no topic brings its changes: add /data/ChangeEvents or /data/\(ChangeEventHeader.eventName(ofEntity: name)) to topics, or have it polled (\(Self.poll): 5m)",
                    line, &isRight)
            }
            objects.append(
                ReplicatedObject(
                    name: name, fields: fields, topics: topics, poll: poll, refreshFormulas: refresh,
                    history: history(of: name, settings, line, &isRight)))
        }
        return isRight ? objects : nil
    }

    /// By name; nil where they are no such thing.
    private func settings(
        of object: String, _ node: Node, line: Int, _ isRight: inout Bool
    ) -> [String: Node]? {
        guard case .mapping(let mapping) = node else {
            note("\(object) must have \(Self.fields), all or a list of names", line, &isRight)
            return nil
        }
        let names = [Self.fields, Self.poll, Self.refreshFormulas, Self.history]
        var settings: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalarText ?? ""
            let line = key.mark?.line ?? line
            guard names.contains(name) else {
                let hint = Spelling.nearest(to: name, among: names).map { ": did you mean \($0)?" } ?? ""
                note("\(object).\(name) is not known\(hint)", line, &isRight)
                continue
            }
            if settings.updateValue(value, forKey: name) != nil { note("\(object) has \(name) twice", line, &isRight) }
        }
        return settings
    }

    private func interval(
        of object: String, _ name: String, _ settings: [String: Node], _ line: Int, _ isRight: inout Bool
    ) -> Duration? {
        guard let node = settings[name] else { return nil }
        guard let interval = Self.duration(node, in: Self.intervals) else {
            note(
                "\(object).\(name) must be a duration \(Self.text(Self.intervals)), such as 5m",
                node.mark?.line ?? line,
                &isRight)
            return nil
        }
        return interval
    }

    private func history(
        of object: String, _ settings: [String: Node], _ line: Int, _ isRight: inout Bool
    ) -> History? {
        guard let node = settings[Self.history] else { return nil }
        if let isKept = node.bool { return isKept ? .forever : nil }
        guard let span = Self.duration(node, in: Self.historySpans) else {
            note(
                "\(object).\(Self.history) must be true, or a duration \(Self.text(Self.historySpans)) for which it is kept, such as 365d",
                node.mark?.line ?? line, &isRight)
            return nil
        }
        return .kept(span)
    }

    private static func duration(_ node: Node, in range: ClosedRange<Duration>) -> Duration? {
        guard let duration = node.scalarText.flatMap(DurationText.duration), range.contains(duration) else {
            return nil
        }
        return duration
    }

    private static func text(_ range: ClosedRange<Duration>) -> String {
        "from \(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
    }

    private func fields(
        of object: String, _ node: Node?, line: Int, _ isRight: inout Bool
    ) -> ReplicatedObject.Fields? {
        guard let value = node else {
            note("\(object) must have \(Self.fields), all or a list of names", line, &isRight)
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
