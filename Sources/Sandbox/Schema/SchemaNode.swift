/// A piece of a schema document, with the line it stands on: what a YAML file or the `Metadata` of a Tooling call looks
/// like to the sandbox, which knows neither form.
public struct SchemaNode: Sendable, Hashable {
    public indirect enum Content: Sendable, Hashable {
        case nothing
        case scalar(String)
        case list([SchemaNode])
        case keys([Key])
    }

    public struct Key: Sendable, Hashable {
        public var name: String
        public var line: Int
        public var value: SchemaNode

        public init(name: String, line: Int, value: SchemaNode) {
            self.name = name
            self.line = line
            self.value = value
        }
    }

    public var content: Content
    /// From 1; 0 where lines mean nothing.
    public var line: Int

    public init(_ content: Content, line: Int) {
        self.content = content
        self.line = line
    }
}

/// One thing that is wrong with a schema document.
public struct SchemaMistake: Sendable, Hashable {
    public var line: Int
    public var message: String

    public init(line: Int, message: String) {
        self.line = line
        self.message = message
    }
}

/// Everything that is wrong with a schema document, in the order of lines; never empty.
public struct SchemaMistakes: Error, Sendable, Hashable {
    public var mistakes: [SchemaMistake]
}

extension SchemaMistakes: CustomStringConvertible {
    public var description: String { mistakes.map { "line \($0.line): \($0.message)" }.joined(separator: "\n") }
}
