/// Judges custom objects and fields as a whole: whether what they name exists and fits together.
struct SchemaCheck {
    struct Problem: Hashable {
        /// `Account.Tier__c`
        var path: String
        /// The key that it stands at; nil: the whole.
        var key: String?
        var message: String
    }

    /// Custom objects and platform events together: the most that an org has of either, and fewer than there are prefixes.
    static let objectsMax = 3_000
    /// Masters of one object; an org has two at most.
    static let mastersMax = 2

    let schema: CustomSchema
    let catalogue: Catalogue
    private(set) var problems: [Problem] = []

    init(_ schema: CustomSchema, standard: Catalogue) {
        self.schema = schema
        catalogue = schema.catalogue(standard: standard)
    }

    /// What is wrong with the fields that `other` brings, or with all of them.
    static func problems(of schema: CustomSchema, standard: Catalogue) -> [Problem] {
        var check = SchemaCheck(schema, standard: standard)
        check.checkCount()
        for object in schema.objects { check.checkMasters(of: object) }
        for field in schema.fields { check.check(field) }
        return check.problems
    }

    private mutating func note(_ field: CustomSchema.Field, _ key: String?, _ message: String) {
        problems.append(Problem(path: "\(field.object).\(field.name)", key: key, message: message))
    }

    private mutating func check(_ field: CustomSchema.Field) {
        let metadata = field.metadata
        if field.object.hasSuffix("__e") {
            guard schema.object(field.object) != nil else { return note(field, nil, "\(field.object) is not defined") }
            if !FieldMetadata.FieldType.ofEvents.contains(metadata.type) || metadata.formula != nil {
                let words = FieldMetadata.FieldType.ofEvents.map(\.rawValue).sorted().joined(separator: ", ")
                note(field, "type", "must be one of \(words) in a platform event")
            }
            return
        }
        guard let object = catalogue.object(field.object) else {
            return note(field, nil, "\(field.object) is no object of the org")
        }
        if metadata.type == .masterDetail, object.category == .standard {
            note(field, "type", "cannot be MasterDetail on a standard object")
        }
        if metadata.type == .hierarchy, object.name != "User" {
            note(field, "type", "can be Hierarchy on User alone")
        }
        for target in metadata.referenceTo where catalogue.object(target)?.name != target {
            note(field, "referenceTo", "names \(target), which is no object of the org")
        }
        checkRelationshipName(field)
        checkSummary(field, object)
        checkFormula(field, object)
        if let definition = object.field(field.name),
            let problem = catalogue.formulas.defaultProblems[FormulaBook.key(definition, object)]
        {
            note(field, "defaultValue", problem)
        }
    }

    private mutating func checkRelationshipName(_ field: CustomSchema.Field) {
        guard let name = field.metadata.relationshipName else { return }
        guard SchemaName.isCustom(name + "__r", suffix: "__r") else {
            return note(field, "relationshipName", "must be letters and digits, without __r")
        }
        for other in schema.fields where other.metadata.relationshipName == name && other.name != field.name {
            let targets = Set(other.metadata.referenceTo)
            if field.metadata.referenceTo.contains(where: targets.contains) {
                note(field, "relationshipName", "\(name) is that of \(other.object).\(other.name) as well")
                return
            }
        }
    }

    private mutating func checkCount() {
        guard schema.objects.count > Self.objectsMax else { return }
        problems.append(
            Problem(
                path: schema.objects[Self.objectsMax].name, key: nil,
                message: "is one too many: an org has \(Self.objectsMax) custom objects at most"))
    }

    private mutating func checkMasters(of object: CustomSchema.Object) {
        let masters = schema.fields.filter {
            $0.object.lowercased() == object.name.lowercased() && $0.metadata.type == .masterDetail
        }
        if masters.count > Self.mastersMax {
            note(masters[Self.mastersMax], "type", "is the third master of \(object.name): an object has two at most")
        }
    }

    private mutating func checkSummary(_ field: CustomSchema.Field, _ object: ObjectDefinition) {
        guard let rollUp = catalogue.object(field.object)?.field(field.name)?.rollUp else {
            if field.metadata.type == .summary, field.metadata.summaryForeignKey != nil {
                note(field, "summaryForeignKey", "must be Child__c.Master__c")
            }
            return
        }
        guard let child = catalogue.object(rollUp.child), let key = child.field(rollUp.childReference),
            key.reference?.isMasterDetail == true, key.reference?.objects == [object.name]
        else { return note(field, "summaryForeignKey", "must be a MasterDetail field that points at \(object.name)") }
        if let name = rollUp.summarized {
            guard let source = child.field(name) else {
                return note(field, "summarizedField", "names no field of \(child.name)")
            }
            let isNumber = source.kind.isDecimal || source.kind == .integer
            let isDate = source.kind == .date || source.kind == .dateTime
            if source.isDerived || !(isNumber || (isDate && rollUp.operation != .sum)) {
                note(field, "summarizedField", "cannot be summed up: \(source.kind.describeType)")
            }
        }
        for filter in rollUp.filters {
            guard let source = child.field(filter.field), !source.isDerived, !source.kind.isCompound else {
                note(field, "summaryFilterItems", "names \(filter.field), which is no stored field of \(child.name)")
                continue
            }
            if !filter.value.isEmpty, FieldText.value(filter.value, of: source) == nil {
                note(field, "summaryFilterItems", "compares \(filter.field) with \(filter.value)")
            }
        }
    }

    private mutating func checkFormula(_ field: CustomSchema.Field, _ object: ObjectDefinition) {
        guard let definition = object.field(field.name), definition.formula != nil,
            let problem = catalogue.formulas.problems[FormulaBook.key(definition, object)]
        else { return }
        note(field, "formula", problem)
    }
}
