/// Fields that field-level security hides, from every user of the API alike. Whoever reads for a user asks the objects for
/// `visibleFields`; the org itself, its rules, formulas and event schemas among it, knows all fields.
struct HiddenFields: Sendable, Hashable {
    /// `case.vin__c`
    private let names: Set<String>

    static let nothing = HiddenFields([])

    /// By `Object.Field`, in whatever case. Names that mean nothing do nothing: see `Sandbox.checkHiddenFields`.
    init(_ names: [String]) {
        self.names = Set(names.map { $0.lowercased() })
    }

    /// The object with its hidden fields marked; of a compound, its parts as well.
    func marked(_ object: ObjectDefinition) -> ObjectDefinition {
        let prefix = object.name.lowercased() + "."
        guard names.contains(where: { $0.hasPrefix(prefix) }) else { return object }
        return object.with(
            fields: object.fields.map { field in
                var field = field
                field.isHidden = [field.name, field.compoundName ?? field.name].contains { name in
                    names.contains(prefix + name.lowercased())
                }
                return field
            })
    }
}

extension FieldDefinition {
    private static let alwaysVisible: Set<String> = [
        "IsDeleted", "OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
    ]

    /// Whether field-level security may hide it: not what every record has, what none can be without, and no part of a
    /// compound, which is hidden as a whole.
    var isHideable: Bool {
        kind != .id && !isNameField && !isRequired && compoundName == nil && reference?.isMasterDetail != true
            && !Self.alwaysVisible.contains(name)
    }
}

extension Sandbox {
    /// Throws where the configuration hides what cannot be hidden.
    func checkHiddenFields() throws(SandboxError) {
        let catalogue = catalogue
        for name in configuration.hiddenFields {
            if let problem = Self.problem(ofHiding: name, catalogue) {
                throw SandboxError(code: .schema, message: "\(name) cannot be hidden: \(problem)")
            }
        }
    }

    private static func problem(ofHiding name: String, _ catalogue: Catalogue) -> String? {
        guard let parts = SchemaName.qualified(name) else {
            return "an object and a field are needed, such as Case.VIN__c"
        }
        guard let object = catalogue.object(parts.object) else { return "the org has no object \(parts.object)" }
        guard let field = object.field(parts.field) else { return "\(object.name) has no field \(parts.field)" }
        if let compound = field.compoundName {
            return "\(field.name) is a part of \(compound), which is hidden as a whole"
        }
        return field.isHideable ? nil : "everybody sees \(field.name), whatever field-level security says"
    }
}
