import Doors

extension SchemaNode {
    /// A JSON document, which has no lines.
    init(_ json: JSONValue) {
        switch json {
        case .null: self.init(.nothing, line: 0)
        case .boolean(let flag): self.init(.scalar(String(flag)), line: 0)
        case .number(let literal):
            // `18.0` is how some clients write a whole number.
            self.init(.scalar(literal.hasSuffix(".0") ? String(literal.dropLast(2)) : literal), line: 0)
        case .string(let text): self.init(.scalar(text), line: 0)
        case .array(let elements): self.init(.list(elements.map { SchemaNode($0) }), line: 0)
        case .object(let members):
            self.init(.keys(members.map { Key(name: $0.name, line: 0, value: SchemaNode($0.value)) }), line: 0)
        }
    }
}
