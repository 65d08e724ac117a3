@testable import Doors

/// References between the parts of a composite request: a text without one stays as it is, and what is put in its place is
/// bounded.
enum CompositeTexts {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        var references = CompositeReferences()
        references.add(
            "a", .members(("id", .string("001xx")), ("n", .number("1")), ("list", .array([.string("x"), .null]))))
        references.add("b", .array([.object([.init(name: "id", value: .boolean(true))])]))
        let names = CompositeReferences.names(in: .string(text), url: text)
        if names.isEmpty {
            let resolved = must("a text without references resolves") { try references.resolved(.string(text)) }
            property("a text without references stays as it is", holds: resolved == .string(text))
            let url = must("a URL without references resolves") { try references.resolvedURL(text) }
            property("a URL without references stays as it is", holds: url == text)
        }
        if let resolved = attempt({ try references.resolved(.array([.string(text)])) }) {
            property("only parts that have answered are put in", holds: names.isSubset(of: ["a", "b"]))
            guard case .array(let values) = resolved else { fatalError("violated: an array resolves to one") }
            property("an array keeps its length", holds: values.count == 1)
        }
        _ = attempt { try references.resolvedURL(text) }
    }
}
