/// Objects by name, and the ways from one to another along its references.
struct ObjectIndex: Sendable {
    /// The caller, in formulas: `$User.Id`.
    static let callerName = "$User"
    /// Steps to other records; an org allows ten in a formula.
    static let stepsMax = 10

    let objects: [ObjectDefinition]
    private let indexByName: [String: Int]

    init(_ objects: [ObjectDefinition]) {
        self.objects = objects
        indexByName = Dictionary(
            objects.enumerated().map { ($0.element.name.lowercased(), $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    func object(_ name: String) -> ObjectDefinition? { indexByName[name.lowercased()].map { objects[$0] } }

    /// The field at the end of `["Account", "Owner", "Name"]`, with the object that holds it. Names compare without
    /// case; a polymorphic step leads to the first of its objects, or to the one it names (`Owner:User`).
    func resolve(_ path: [String], from object: ObjectDefinition) -> (ObjectDefinition, FieldDefinition)? {
        guard let last = path.last, path.count <= Self.stepsMax + 1 else { return nil }
        var holder = object
        for step in path.dropLast() {
            guard let (_, next) = self.step(step, from: holder) else { return nil }
            holder = next
        }
        return holder.field(last).map { (holder, $0) }
    }

    /// The steps of a path but the last, as they are declared.
    func declared(_ path: [String], from object: ObjectDefinition) -> [String] {
        var holder = object
        var names: [String] = []
        for step in path.dropLast() {
            guard let (field, next) = self.step(step, from: holder) else { return names }
            names.append(field?.reference?.relationshipName ?? Self.callerName)
            holder = next
        }
        return names
    }

    /// The reference that a step follows (none for the caller) and the object it leads to.
    private func step(_ step: String, from object: ObjectDefinition) -> (FieldDefinition?, ObjectDefinition)? {
        if step.lowercased() == Self.callerName.lowercased() { return self.object("User").map { (nil, $0) } }
        let parts = step.split(separator: ":")
        guard let name = parts.first?.lowercased(),
            let field = object.fields.first(where: { $0.reference?.relationshipName?.lowercased() == name }),
            let targets = field.reference?.objects
        else { return nil }
        let target = parts.count == 2 ? targets.first { $0.lowercased() == parts[1].lowercased() } : targets.first
        return target.flatMap { self.object($0) }.map { (field, $0) }
    }
}
