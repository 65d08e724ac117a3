/// Custom objects, fields and platform events of a schema document, read and found to be right.
public struct SchemaDefinitions: Sendable, Hashable {
    let schema: CustomSchema

    /// Throws every mistake of the document at once.
    public init(_ root: SchemaNode, personAccounts: Bool = false) throws(SchemaMistakes) {
        let reader = SchemaReader()
        reader.read(root)
        var mistakes = reader.mistakes
        // What is half read would complain of what it lacks.
        if mistakes.isEmpty {
            let standard = Catalogue.standard(personAccounts: personAccounts)
            mistakes = SchemaCheck.problems(of: reader.schema, standard: standard).map { problem in
                let line = problem.key.flatMap { reader.lines["\(problem.path).\($0)"] } ?? reader.lines[problem.path]
                let name = problem.key.map { "\(problem.path).\($0)" } ?? problem.path
                return SchemaMistake(line: line ?? root.line, message: "\(name) \(problem.message)")
            }
        }
        guard mistakes.isEmpty else {
            throw SchemaMistakes(
                mistakes: mistakes.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
                    .map(\.element))
        }
        schema = reader.schema
    }
}
