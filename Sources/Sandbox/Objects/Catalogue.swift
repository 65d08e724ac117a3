import ChangeEvents

/// All objects of the org. Immutable: made when the sandbox opens. Custom objects will be added to it from a file.
struct Catalogue: Sendable {
    let objects: [ObjectDefinition]
    private let indexByName: [String: Int]
    private let indexByPrefix: [String: Int]
    /// What the planner of queries sees; shared by all copies of this catalogue.
    let querySchema: CatalogueSchema

    init(_ objects: [ObjectDefinition]) {
        self.objects = objects
        querySchema = CatalogueSchema(objects)
        indexByName = Dictionary(
            objects.enumerated().map { ($0.element.name.lowercased(), $0.offset) },
            uniquingKeysWith: { first, _ in first })
        indexByPrefix = Dictionary(
            objects.enumerated().map { ($0.element.keyPrefix, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    /// The objects of this slice.
    static let standard = Catalogue([.account, .case, .contact, .user])

    func object(_ name: String) -> ObjectDefinition? { indexByName[name.lowercased()].map { objects[$0] } }

    func object(ofRecord id: RecordID) -> ObjectDefinition? { indexByPrefix[String(id.keyPrefix)].map { objects[$0] } }

    /// Reference fields that point at an object, with the object that holds them.
    func references(to target: String) -> [(object: ObjectDefinition, field: FieldDefinition)] {
        objects.flatMap { object in
            object.fields.filter { $0.reference?.objects.contains(target) == true }.map { (object, $0) }
        }
    }
}
