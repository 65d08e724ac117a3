import Doors
import SOQL

/// The query of a PushTopic: `SELECT fields FROM object [WHERE condition]`, with the object's own fields only, as an org
/// has it. Parsed once, when the topic is saved and when it is loaded.
struct PushTopicQuery: Sendable {
    let object: ObjectDefinition
    /// Declared names, the id first where it stood first.
    let selected: [String]
    let condition: Condition?

    init(_ text: String, catalogue: Catalogue) throws(OrgError) {
        var rest = text[...]
        guard Self.takeWord("SELECT", &rest) else { throw Self.malformed("a PushTopic query must begin with SELECT") }
        guard let from = Self.firstWord("FROM", in: rest) else { throw Self.malformed("the query has no FROM") }
        let list = rest[..<from.lowerBound]
        rest = rest[from.upperBound...]
        let name = Self.takeName(&rest)
        // Users have change events, and no PushTopics.
        guard let object = catalogue.object(name), object.isCapturable, object.name != ObjectDefinition.user.name else {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "INVALID_TYPE",
                message: "sObject type '\(name)' is not supported for PushTopics.")
        }
        self.object = object
        var selected: [String] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let field = try Self.field(part.trimmingSpace, object)
            if !selected.contains(field) { selected.append(field) }
        }
        guard selected.contains("Id") else {
            throw Self.malformed("the query of a PushTopic must select the field Id")
        }
        self.selected = selected
        rest = rest.trimmingSpace
        guard !rest.isEmpty else {
            condition = nil
            return
        }
        guard Self.takeWord("WHERE", &rest) else {
            throw Self.malformed("unexpected '\(rest.prefix(20))': a PushTopic query takes SELECT, FROM and WHERE")
        }
        let condition: Condition
        do throws(SOQLError) {
            condition = try Condition(String(rest))
        } catch {
            throw Self.malformed("\(error)")
        }
        for name in condition.fields {
            let declared = try Self.field(name[...], object)
            // A compound has no value of its own, and long texts are in no condition of an org.
            guard object.field(declared)?.isFilterable == true else {
                throw Self.malformed("the field \(declared) can not be filtered in a PushTopic")
            }
        }
        self.condition = condition
    }

    /// Declared names of the fields that the condition looks at.
    var referenced: [String] { condition?.fields.compactMap { object.field($0)?.name } ?? [] }

    private static func field(_ name: Substring, _ object: ObjectDefinition) throws(OrgError) -> String {
        guard let field = object.visibleField(String(name)) else {
            throw .noSuchColumn(String(name), object: object.name)
        }
        guard !field.isDerived else {
            throw malformed("the field \(field.name) is not supported in PushTopics")
        }
        return field.name
    }

    private static func malformed(_ message: String) -> OrgError {
        OrgError(status: OrgError.statusBadRequest, errorCode: "MALFORMED_QUERY", message: message)
    }

    private static func takeWord(_ word: String, _ text: inout Substring) -> Bool {
        text = text.trimmingSpace
        guard text.count > word.count, text.prefix(word.count).uppercased() == word,
            text.dropFirst(word.count).first?.isWhitespace == true
        else { return false }
        text = text.dropFirst(word.count)
        return true
    }

    /// The word with white space at both sides.
    private static func firstWord(_ word: String, in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while let start = text[index...].firstIndex(where: { !$0.isWhitespace }) {
            let end = text[start...].firstIndex(where: \.isWhitespace) ?? text.endIndex
            if text[start..<end].uppercased() == word, end < text.endIndex { return start..<end }
            index = end
        }
        return nil
    }

    private static func takeName(_ text: inout Substring) -> String {
        text = text.trimmingSpace
        let name = text.prefix { !$0.isWhitespace }
        text = text.dropFirst(name.count)
        return String(name)
    }
}

extension Substring {
    fileprivate var trimmingSpace: Substring {
        let kept = drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return kept.prefix(0) }
        return kept[...last]
    }
}
