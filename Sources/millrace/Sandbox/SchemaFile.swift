import Foundation
import Sandbox
import Yams

/// Reads the file of `millrace sandbox --schema`: custom objects, fields and platform events in YAML.
enum SchemaFile {
    /// Throws every mistake of the file, each with its line. Blocks for the file; call at start.
    static func load(path: String, personAccounts: Bool) throws(ConfigurationError) -> SchemaDefinitions {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(file: path, mistakes: [.init(line: 1, message: "the file cannot be read")])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file: path, mistakes: [.init(line: 1, message: "the file is not UTF-8 text")])
        }
        return try parse(text, file: path, personAccounts: personAccounts)
    }

    /// As `load`, with the text at hand.
    static func parse(
        _ text: String, file: String, personAccounts: Bool
    ) throws(ConfigurationError) -> SchemaDefinitions {
        let mistakes = Mistakes()
        let root = YAMLDocument.root(of: text, mistakes: mistakes)
        let unreadable = mistakes.sorted
        guard unreadable.isEmpty else { throw ConfigurationError(file: file, mistakes: unreadable) }
        do {
            let node = root.map { schemaNode($0, line: 1) } ?? SchemaNode(.nothing, line: 1)
            return try SchemaDefinitions(node, personAccounts: personAccounts)
        } catch {
            throw ConfigurationError(
                file: file, mistakes: error.mistakes.map { .init(line: $0.line, message: $0.message) })
        }
    }

    private static func schemaNode(_ node: Node, line: Int) -> SchemaNode {
        let line = node.mark?.line ?? line
        if node.isNothing { return SchemaNode(.nothing, line: line) }
        switch node {
        case .scalar(let scalar):
            return SchemaNode(.scalar(scalar.string), line: line)
        case .sequence(let sequence):
            return SchemaNode(.list(sequence.map { schemaNode($0, line: line) }), line: line)
        case .mapping(let mapping):
            let keys = mapping.map { key, value in
                let keyLine = key.mark?.line ?? line
                let name = key.scalarText ?? ""
                // A repeated key has been renamed so that the file could be read: here it is itself again.
                return SchemaNode.Key(
                    name: YAMLDocument.nameOfRepeated(name) ?? name, line: keyLine,
                    value: schemaNode(value, line: keyLine))
            }
            return SchemaNode(.keys(keys.sorted { $0.line < $1.line }), line: line)
        case .alias:
            return SchemaNode(.nothing, line: line)
        }
    }
}
