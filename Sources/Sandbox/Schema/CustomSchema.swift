/// What an org has beyond the standard objects: custom objects, platform events, and custom fields on all of them. Kept
/// in the store; the catalogue is made from it.
struct CustomSchema: Sendable, Hashable, Codable {
    static let stateKey = "sandbox.schema"

    struct Object: Sendable, Hashable, Codable {
        /// `Vehicle__c`, `Low_Ink__e`
        var name: String
        var label: String
        var pluralLabel: String
        /// Nil for platform events.
        var nameField: NameField?
        /// Nil for custom objects.
        var publishBehavior: PublishBehavior?
        /// `01I…`, 18 characters; empty until the org has taken it up.
        var id = ""
        var keyPrefix = ""

        var isEvent: Bool { publishBehavior != nil }
    }

    struct NameField: Sendable, Hashable, Codable {
        var label: String
        /// Nil: text that the caller gives.
        var displayFormat: String?
        var startingNumber = 1
    }

    enum PublishBehavior: String, Sendable, Hashable, Codable, CaseIterable {
        case afterCommit = "PublishAfterCommit"
        case immediately = "PublishImmediately"
    }

    struct Field: Sendable, Hashable, Codable {
        var object: String
        /// `Tier__c`
        var name: String
        var metadata: FieldMetadata
        /// `00N…`, 15 characters; empty until the org has taken it up.
        var id = ""
    }

    var objects: [Object] = []
    /// In the order of their making, which is that of describe and of event schemas.
    var fields: [Field] = []
    /// How many objects and events were ever made: their key prefixes are counted from it.
    private(set) var objectsMade: UInt64 = 0
    private(set) var eventsMade: UInt64 = 0

    func object(_ name: String) -> Object? { objects.first { $0.name.lowercased() == name.lowercased() } }

    func field(_ name: String, of object: String) -> Field? {
        fields.first { $0.name.lowercased() == name.lowercased() && $0.object.lowercased() == object.lowercased() }
    }

    /// Takes up what another schema defines, as a deployment does: what is there already is altered, what the other
    /// does not name stays. `newID` answers the 18-character id for a prefix.
    mutating func take(_ other: CustomSchema, newID: (_ prefix: String) throws -> String) rethrows {
        for object in other.objects { try put(object, newID: newID) }
        for field in other.fields { try put(field, newID: newID) }
    }

    mutating func put(_ object: Object, newID: (_ prefix: String) throws -> String) rethrows {
        if let index = objects.firstIndex(where: { $0.name.lowercased() == object.name.lowercased() }) {
            var altered = object
            altered.name = objects[index].name
            altered.id = objects[index].id
            altered.keyPrefix = objects[index].keyPrefix
            objects[index] = altered
            return
        }
        var made = object
        made.id = try newID("01I")
        let taken = Set(objects.map(\.keyPrefix))
        if object.isEvent {
            made.keyPrefix = Self.freePrefix("e", &eventsMade, taken: taken)
        } else {
            made.keyPrefix = Self.freePrefix("a", &objectsMade, taken: taken)
        }
        objects.append(made)
    }

    /// The next prefix that no object has. There are 3,844 of each kind, so those of deleted objects come again, as late as
    /// can be.
    private static func freePrefix(_ letter: Character, _ made: inout UInt64, taken: Set<String>) -> String {
        var prefix = ""
        // With more objects than prefixes none is free; `SchemaCheck` refuses them before.
        for _ in 0...taken.count {
            prefix = "\(letter)" + Base62.text(made, width: 2)
            made += 1
            if !taken.contains(prefix) { break }
        }
        return prefix
    }

    mutating func put(_ field: Field, newID: (_ prefix: String) throws -> String) rethrows {
        let name = field.name.lowercased()
        let object = field.object.lowercased()
        if let index = fields.firstIndex(where: { $0.name.lowercased() == name && $0.object.lowercased() == object }) {
            fields[index].metadata = field.metadata
            return
        }
        var made = field
        made.id = String(try newID("00N").prefix(15))
        fields.append(made)
    }

    mutating func removeObject(_ name: String) {
        objects.removeAll { $0.name.lowercased() == name.lowercased() }
        fields.removeAll { $0.object.lowercased() == name.lowercased() }
    }

    mutating func removeField(_ name: String, of object: String) {
        fields.removeAll {
            $0.name.lowercased() == name.lowercased() && $0.object.lowercased() == object.lowercased()
        }
    }
}
