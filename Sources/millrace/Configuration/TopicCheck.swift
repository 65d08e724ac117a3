/// Checks the list of upstream topics: their form, and that no event would come twice.
enum TopicCheck {
    /// All change events that the org has selected.
    static let standard = ["/data/ChangeEvents"]

    static func check(_ topics: [(text: String, line: Int)], report: (Int, String) -> Void) {
        let all = topics.first { $0.text == "/data/ChangeEvents" }
        for topic in topics {
            guard hasForm(topic.text) else {
                report(
                    topic.line,
                    "\(topic.text) is no topic: "
                        + "the forms are /data/ChangeEvents, /data/CaseChangeEvent, /data/Name__chn, /event/Name__e"
                )
                continue
            }
            if let all, topic.text != all.text, topic.text.hasPrefix("/data/"), topic.text.hasSuffix("ChangeEvent") {
                report(
                    topic.line,
                    "\(topic.text) overlaps with \(all.text) (line \(all.line)): its events would come twice")
            }
        }
    }

    static func isObjectName(_ name: String) -> Bool {
        guard let first = name.first, first.isASCII, first.isLetter else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// Topic names are case-sensitive: `/data/caseChangeEvent` is another topic, which does not exist.
    private static func hasForm(_ topic: String) -> Bool {
        let parts = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, isObjectName(String(parts[2])) else { return false }
        switch parts[1] {
        case "data": return ["ChangeEvents", "ChangeEvent", "__chn"].contains { parts[2].hasSuffix($0) }
        case "event": return true
        default: return false
        }
    }
}
