import ChangeEvents

/// The compiled formulas of a catalogue's objects. Made with the catalogue; a formula that cannot be compiled is a
/// problem of the schema, and has no value.
struct FormulaBook: Sendable {
    private var formulas: [String: Formula] = [:]
    private var defaults: [String: Formula] = [:]
    /// Why a field has no formula, by `Object.Field__c`.
    private(set) var problems: [String: String] = [:]
    /// Why a field has no default, likewise.
    private(set) var defaultProblems: [String: String] = [:]

    init(_ objects: ObjectIndex) {
        for object in objects.objects {
            for field in object.fields where field.formula != nil {
                var pending: [String] = []
                compile(field, of: object, objects, pending: &pending)
            }
            for field in object.fields where field.defaultFormula != nil {
                compileDefault(of: field, object, objects)
            }
        }
    }

    /// The formula that gives a new record's field its value; nil: there is none.
    func defaultFormula(of field: FieldDefinition, in object: ObjectDefinition) -> Formula? {
        defaults[Self.key(field, object)]
    }

    private mutating func compileDefault(of field: FieldDefinition, _ object: ObjectDefinition, _ objects: ObjectIndex)
    {
        guard let text = field.defaultFormula else { return }
        let key = Self.key(field, object)
        do {
            defaults[key] = try Formula(
                text, returning: FormulaType(field.kind) ?? .text,
                scope: DefaultFormulaScope(scope: ObjectFormulaScope(object: object, objects: objects)))
        } catch {
            defaultProblems[key] = "\(error.message) (at character \(error.position))"
        }
    }

    func formula(of field: FieldDefinition, in object: ObjectDefinition) -> Formula? {
        formulas[Self.key(field, object)]
    }

    static func key(_ field: FieldDefinition, _ object: ObjectDefinition) -> String { "\(object.name).\(field.name)" }

    /// Formulas that this one refers to are compiled first: their size counts, and they must not come back to it.
    private mutating func compile(
        _ field: FieldDefinition, of object: ObjectDefinition, _ objects: ObjectIndex, pending: inout [String]
    ) {
        let key = Self.key(field, object)
        guard formulas[key] == nil, problems[key] == nil, let text = field.formula else { return }
        guard !pending.contains(key) else {
            problems[key] = "refers to itself"
            return
        }
        guard let type = FormulaType(field.kind) else {
            problems[key] = "cannot result in \(field.kind.describeType)"
            return
        }
        pending.append(key)
        defer { pending.removeLast() }
        do {
            let scope = ObjectFormulaScope(object: object, objects: objects)
            let blanks = field.treatsBlankAsZero ? Formula.BlankTreatment.asZero : .asBlank
            // Once to learn what it refers to, and again when the sizes of those are known.
            let draft = try Formula(text, returning: type, blanks: blanks, scope: scope)
            for reference in draft.references {
                guard let (holder, other) = objects.resolve(reference.path, from: object), other.formula != nil else {
                    continue
                }
                compile(other, of: holder, objects, pending: &pending)
                if problems[Self.key(other, holder)] != nil {
                    if problems[key] == nil {
                        problems[key] = "refers to \(other.name), which has no formula that can be used"
                    }
                    return
                }
            }
            let sizes = formulas.mapValues(\.compiledSize)
            formulas[key] = try Formula(
                text, returning: type, blanks: blanks,
                scope: ObjectFormulaScope(object: object, objects: objects, sizes: sizes))
        } catch {
            problems[key] = "\(error.message) (at character \(error.position))"
        }
    }
}

/// What a formula of an object can refer to.
private struct ObjectFormulaScope: FormulaScope {
    let object: ObjectDefinition
    let objects: ObjectIndex
    var sizes: [String: Int] = [:]

    func field(_ path: [String]) -> FormulaField? {
        guard let (holder, field) = objects.resolve(path, from: object), let type = FormulaType(field.kind) else {
            return nil
        }
        return FormulaField(
            path: objects.declared(path, from: object) + [field.name], type: type,
            compiledSize: sizes[FormulaBook.key(field, holder)] ?? 0)
    }
}

/// A default is computed before there is a record: it can refer to the caller alone.
private struct DefaultFormulaScope: FormulaScope {
    let scope: ObjectFormulaScope

    func field(_ path: [String]) -> FormulaField? {
        guard path.first?.lowercased() == ObjectIndex.callerName.lowercased() else { return nil }
        return scope.field(path)
    }
}

extension FormulaType {
    /// Nil for kinds that a formula can neither read nor result in.
    fileprivate init?(_ kind: FieldKind) {
        switch kind {
        case .text, .textArea, .email, .phone, .url, .autoNumber, .combobox, .reference, .id, .personName:
            self = .text
        case .integer, .double: self = .number
        case .currency: self = .currency
        case .percent: self = .percent
        case .date: self = .date
        case .dateTime: self = .dateTime
        case .time: self = .time
        case .boolean: self = .boolean
        case .picklist: self = .picklist
        case .multiPicklist: self = .multiPicklist
        case .longTextArea, .richText, .encryptedText, .address, .location: return nil
        }
    }
}
