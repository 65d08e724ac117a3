import ChangeEvents
import Doors

/// An object as its records are written: what its declaration means for every write, worked out once. Immutable.
///
/// Records inside the org's transactions have its shape: a place for every field of the declaration, in its order. What
/// is not stored (the id, compounds, derived fields) stays absent there. Values that a caller gives have the same shape,
/// and are absent where nothing was given.
final class RecordTemplate: Sendable {
    enum Verb { case create, update }

    let shape: RecordShape
    /// By place.
    let rules: [FieldRule]
    /// A record without anything given: defaults, null elsewhere.
    let blank: RecordFields
    /// Fields whose default is the value of a formula.
    let computedDefaults: [FieldRule]
    /// Fields that the org numbers.
    let numbers: [Number]
    /// Roll-ups, with their values for a master without details.
    let rollUps: [(place: Int, empty: FieldValue)]
    let ownerID: Int?
    let isDeleted: Int?
    /// The name of a custom object's records, which are called by their id where they have none.
    let idName: Int?
    /// Stored checkboxes, which have no null.
    private let checkboxes: [Int]
    private let required: [Int]
    private let createdDate: Int?
    private let createdByID: Int?
    private let lastModifiedDate: Int?
    private let lastModifiedByID: Int?
    private let systemModstamp: Int?
    private let objectName: String
    private let placeByFoldedName: [String: Int]
    private let placeByRelationship: [String: Int]

    struct Number: Sendable {
        var place: Int
        var format: AutoNumberFormat?
    }

    init(object name: String, category: ObjectDefinition.Category, fields: [FieldDefinition]) {
        objectName = name
        let shape = RecordShape(fields.map(\.name))
        self.shape = shape
        rules = fields.enumerated().map { FieldRule($1, place: $0) }
        func places(_ isWanted: (FieldDefinition) -> Bool) -> [Int] { fields.indices.filter { isWanted(fields[$0]) } }
        computedDefaults = rules.filter { $0.field.defaultFormula != nil && $0.field.isStored }
        var blank = RecordFields(shape: shape)
        for place in places(\.isStored) { blank[place] = fields[place].defaultValue ?? .null }
        self.blank = blank
        numbers = places { $0.kind == .autoNumber && !$0.isDerived }.map { place in
            Number(place: place, format: fields[place].displayFormat.flatMap { AutoNumberFormat($0) })
        }
        rollUps = fields.enumerated().compactMap { place, field in
            field.rollUp.map { (place, RollUpCalculation.empty($0)) }
        }
        idName = category == .custom ? fields.firstIndex { $0.isNameField && $0.isStored } : nil
        checkboxes = places { $0.kind == .boolean && !$0.isDerived }
        required = places(\.isRequired)
        ownerID = shape.index(of: "OwnerId")
        isDeleted = shape.index(of: "IsDeleted")
        createdDate = shape.index(of: "CreatedDate")
        createdByID = shape.index(of: "CreatedById")
        lastModifiedDate = shape.index(of: "LastModifiedDate")
        lastModifiedByID = shape.index(of: "LastModifiedById")
        systemModstamp = shape.index(of: "SystemModstamp")
        placeByFoldedName = Dictionary(
            shape.names.enumerated().map { ($0.element.lowercased(), $0.offset) },
            uniquingKeysWith: { first, _ in first })
        placeByRelationship = Dictionary(
            fields.enumerated().compactMap { place, field in
                field.reference?.relationshipName.map { ($0.lowercased(), place) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Names compare without case, as in an org's API.
    func rule(_ name: String) -> FieldRule? {
        (shape.index(of: name) ?? placeByFoldedName[name.lowercased()]).map { rules[$0] }
    }

    /// The reference that a relationship's name means: `Account`, `Vehicle__r`.
    func rule(relationship name: String) -> FieldRule? { placeByRelationship[name.lowercased()].map { rules[$0] } }

    /// The values of a caller that names the fields, in whatever case.
    func given(_ values: [String: FieldValue]) throws(OrgError) -> RecordFields {
        var given = RecordFields(shape: shape)
        for (name, value) in values {
            guard let rule = rule(name) else { throw .noSuchColumn(name, object: objectName) }
            given[rule.place] = value
        }
        return given
    }

    /// Refuses what this caller may not write, all of it in the order of the declaration.
    func checkWritable(_ given: RecordFields, to verb: Verb) throws(OrgError) {
        var forbidden: [String] = []
        for rule in rules where given[rule.place] != nil {
            let isWritable = verb == .create ? rule.field.isCreateable : rule.field.isUpdateable
            if !isWritable { forbidden.append(rule.field.name) }
        }
        guard forbidden.isEmpty else { throw .notWritable(forbidden) }
    }

    /// Refuses a record whose required fields have no value.
    func checkComplete(_ fields: RecordFields) throws(OrgError) {
        let missing = required.filter { fields[$0] ?? .null == .null }.map { shape.names[$0] }
        guard missing.isEmpty else { throw .requiredMissing(missing) }
    }

    /// A record as the store gives it, in this shape. Checkboxes that are younger than it are unchecked.
    func adopted(_ stored: RecordFields) -> RecordFields {
        var fields = stored.shaped(as: shape)
        for place in checkboxes where fields[place] ?? .null == .null { fields[place] = .boolean(false) }
        return fields
    }

    /// Milliseconds since 1970.
    func stampCreated(_ fields: inout RecordFields, at created: Int64, by author: String, now: Int64) {
        if let createdDate { fields[createdDate] = .dateTime(milliseconds: created) }
        if let createdByID { fields[createdByID] = .string(author) }
        stampModified(&fields, at: created, by: author)
        stampSystem(&fields, now: now)
    }

    func stampModified(_ fields: inout RecordFields, at now: Int64, by userID: String) {
        if let lastModifiedDate { fields[lastModifiedDate] = .dateTime(milliseconds: now) }
        if let lastModifiedByID { fields[lastModifiedByID] = .string(userID) }
        stampSystem(&fields, now: now)
    }

    /// What replicators page by moves with every write, a user's or the org's own.
    func stampSystem(_ fields: inout RecordFields, now: Int64) {
        if let systemModstamp { fields[systemModstamp] = .dateTime(milliseconds: now) }
    }
}
