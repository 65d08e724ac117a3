/// Reads one custom field: the keys that its type has, and no others.
struct FieldReader {
    let section: SchemaSection
    let reader: SchemaReader

    func metadata(label: String) -> FieldMetadata? {
        defer { section.finish() }
        guard section.has("type") else {
            section.note("\(section.path).type is missing")
            skipAll()
            return nil
        }
        guard let word = section.choice("type", FieldMetadata.FieldType.allCases.map(\.rawValue)),
            let type = FieldMetadata.FieldType(rawValue: word)
        else {
            skipAll()
            return nil
        }
        var field = FieldMetadata(type: type, label: section.text("label") ?? label)
        readFormula(&field)
        if field.formula != nil, !FieldMetadata.FieldType.ofFormulas.contains(type) {
            section.note("cannot result in \(word)", at: "formula")
        }
        readSizes(&field)
        readRules(&field)
        readReference(&field)
        readValues(&field)
        readAutoNumber(&field)
        readSummary(&field)
        return field
    }

    /// Without a type nothing can be said of the other keys, but for unknown ones.
    private func skipAll() {
        for name in SchemaKey.names(in: .field) where section.has(name) { _ = section.node(name) }
    }

    private func readFormula(_ field: inout FieldMetadata) {
        field.formula = section.text("formula")
        let words = FieldMetadata.BlankTreatment.allCases.map(\.rawValue)
        if field.formula != nil {
            field.formulaTreatBlanksAs = section.choice("formulaTreatBlanksAs", words)
                .flatMap(FieldMetadata.BlankTreatment.init(rawValue:))
        }
    }

    private func readSizes(_ field: inout FieldMetadata) {
        if let lengths = field.type.lengths, field.formula == nil {
            field.length = section.whole("length", lengths)
            if field.length == nil, !section.has("length"), field.type == .text {
                section.note("\(section.path).length is missing: 1 to 255")
            }
        }
        if FieldMetadata.FieldType.withNumber.contains(field.type) {
            field.precision = section.whole("precision", 1...18)
            field.scale = section.whole("scale", 0...17)
            if let scale = field.scale, scale > (field.precision ?? 18) {
                section.note("must not be more than the precision", at: "scale")
            }
        }
        if field.type == .location { field.scale = section.whole("scale", 0...15) }
    }

    private func readRules(_ field: inout FieldMetadata) {
        let isCalculated = field.formula != nil || field.type == .summary || field.type == .autoNumber
        if !isCalculated, field.type != .checkbox { field.required = section.boolean("required") ?? false }
        if field.type == .checkbox, section.has("required") {
            // Clients send `required: false` with every field.
            if section.boolean("required") == true { section.note("cannot be true of a Checkbox", at: "required") }
        }
        if isCalculated, section.has("required"), section.boolean("required") == true {
            section.note("cannot be true of a field that the org fills", at: "required")
        }
        field.unique = flag(
            "unique", allowed: FieldMetadata.FieldType.ofUniqueFields.contains(field.type) && !isCalculated)
        field.caseSensitive = flag("caseSensitive", allowed: field.unique && field.type == .text)
        field.externalId = flag(
            "externalId", allowed: FieldMetadata.FieldType.ofExternalIDs.contains(field.type) && field.formula == nil)
        if !isCalculated, let text = section.has("defaultValue") ? section.text("defaultValue") : nil {
            readDefault(text, into: &field)
            if field.type == .checkbox, text != "true", text != "false" {
                section.note("must be true or false", at: "defaultValue")
            }
        }
    }

    /// The Metadata API writes every default as a formula, texts in quotes. A schema file may write a text as it is: it is a formula
    /// only where it looks like one. What is no literal of another type is a formula.
    private func readDefault(_ text: String, into field: inout FieldMetadata) {
        let inner = text.dropFirst().dropLast()
        if FieldMetadata.FieldType.withLiteralDefault.contains(field.type) {
            let isQuoted = text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
            field.defaultValue = isQuoted ? String(inner) : text
        } else if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\""), !inner.contains("\"") {
            field.defaultValue = String(inner)
        } else if let kind = field.type.literalKind {
            let isLiteral = FieldText.value(text, of: FieldDefinition(kind, "", "")) != nil
            if isLiteral { field.defaultValue = text } else { field.defaultFormula = text }
        } else if text.contains(where: { "\"()&$".contains($0) }) {
            field.defaultFormula = text
        } else {
            field.defaultValue = text
        }
    }

    /// A flag that other types may only deny.
    private func flag(_ name: String, allowed: Bool) -> Bool {
        guard section.has(name), section.boolean(name) == true else { return false }
        if !allowed { section.note("cannot be true of this field", at: name) }
        return allowed
    }

    private func readReference(_ field: inout FieldMetadata) {
        guard FieldMetadata.FieldType.withReference.contains(field.type) else { return }
        if field.type == .hierarchy {
            field.referenceTo = section.nameList("referenceTo") ?? ["User"]
        } else if section.has("referenceTo") {
            field.referenceTo = section.nameList("referenceTo") ?? []
        } else {
            section.note("\(section.path).referenceTo is missing")
        }
        if field.type == .masterDetail, field.referenceTo.count > 1 {
            section.note("must be one object for a MasterDetail", at: "referenceTo")
        }
        field.relationshipName = section.text("relationshipName")
        if field.type == .masterDetail {
            field.relationshipOrder = section.whole("relationshipOrder", 0...1)
            field.reparentableMasterDetail = section.boolean("reparentableMasterDetail") ?? false
        } else {
            let words = FieldMetadata.DeleteConstraint.allCases.map(\.rawValue)
            field.deleteConstraint = section.choice("deleteConstraint", words)
                .flatMap(FieldMetadata.DeleteConstraint.init(rawValue:))
            if field.required, field.deleteConstraint == .setNull {
                section.note("cannot be SetNull of a required field", at: "deleteConstraint")
            }
            // What cannot be emptied keeps its target.
            if field.required, field.deleteConstraint == nil { field.deleteConstraint = .restrict }
        }
    }

    private func readValues(_ field: inout FieldMetadata) {
        guard FieldMetadata.FieldType.withValues.contains(field.type) else { return }
        field.restricted = section.boolean("restricted") ?? false
        var nodes = section.list("values")
        var key = "values"
        if let set = section.node("valueSet") {
            key = "valueSet"
            let parts = PicklistNode(set)
            field.restricted = parts.isRestricted ?? field.restricted
            nodes = parts.values
        }
        guard let nodes, !nodes.isEmpty else {
            section.note("\(section.path).values is missing")
            return
        }
        for node in nodes {
            guard let value = PicklistNode.value(node) else {
                reader.note("\(section.path).\(key) must hold names, or {name, default}", line: node.line)
                continue
            }
            if field.values.contains(where: { $0.name == value.name }) {
                reader.note("\(section.path).\(key) holds \(value.name) twice", line: node.line)
            } else if value.isDefault, field.values.contains(where: \.isDefault) {
                reader.note("\(section.path).\(key) has two defaults", line: node.line)
            } else {
                field.values.append(value)
            }
        }
        if let standard = field.defaultValue {
            if let index = field.values.firstIndex(where: { $0.name == standard }) {
                field.values[index].isDefault = true
            } else {
                section.note("is not one of the values", at: "defaultValue")
            }
        }
    }

    private func readAutoNumber(_ field: inout FieldMetadata) {
        guard field.type == .autoNumber else { return }
        field.displayFormat = section.text("displayFormat")
        field.startingNumber = section.whole("startingNumber", 0...999_999_999)
        reader.checkFormat(field.displayFormat, section)
    }

    private func readSummary(_ field: inout FieldMetadata) {
        guard field.type == .summary else { return }
        let words = RollUp.Operation.allCases.map(\.rawValue)
        field.summaryOperation = section.choice("summaryOperation", words).flatMap(RollUp.Operation.init(rawValue:))
        if !section.has("summaryOperation") { section.note("\(section.path).summaryOperation is missing") }
        field.summaryForeignKey = section.text("summaryForeignKey")
        if field.summaryForeignKey == nil, !section.has("summaryForeignKey") {
            section.note("\(section.path).summaryForeignKey is missing")
        }
        field.summarizedField = section.text("summarizedField")
        if let operation = field.summaryOperation {
            if operation == .count, field.summarizedField != nil {
                section.note("does not belong to a count", at: "summarizedField")
            } else if operation != .count, field.summarizedField == nil, !section.has("summarizedField") {
                section.note("\(section.path).summarizedField is missing")
            }
        }
        for node in section.list("summaryFilterItems") ?? [] {
            let inner = reader.section(node, path: "\(section.path).summaryFilterItems", in: .filter)
            let words = RollUp.Filter.Comparison.allCases.map(\.rawValue)
            let comparison = inner.choice("operation", words).flatMap(RollUp.Filter.Comparison.init(rawValue:))
            let name = inner.text("field")
            let value = inner.has("value") ? inner.text("value") : nil
            inner.finish()
            guard let name, let comparison else {
                inner.note("\(inner.path) needs a field and an operation")
                continue
            }
            field.summaryFilterItems.append(RollUp.Filter(field: name, operation: comparison, value: value ?? ""))
        }
    }
}

extension FieldMetadata.FieldType {
    /// Of the types whose literals are no texts.
    fileprivate var literalKind: FieldKind? {
        switch self {
        case .currency, .number, .percent: .double
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        default: nil
        }
    }
}

/// The Metadata API's form of a picklist: `{restricted, valueSetDefinition: {sorted, value: [{fullName, default}]}}`.
private struct PicklistNode {
    var isRestricted: Bool?
    var values: [SchemaNode] = []

    init(_ node: SchemaNode) {
        for key in Self.keys(node) {
            if key.name == "restricted" { isRestricted = key.value.content == .scalar("true") }
            guard key.name == "valueSetDefinition" else { continue }
            for inner in Self.keys(key.value) where inner.name == "value" {
                if case .list(let items) = inner.value.content { values = items } else { values = [inner.value] }
            }
        }
    }

    /// A name, or a mapping with one.
    static func value(_ node: SchemaNode) -> FieldMetadata.Value? {
        if case .scalar(let name) = node.content { return name.isEmpty ? nil : FieldMetadata.Value(name: name) }
        var value = FieldMetadata.Value(name: "")
        for key in keys(node) {
            guard case .scalar(let text) = key.value.content else { continue }
            if ["name", "fullName", "valueName"].contains(key.name) { value.name = text }
            if key.name == "default" { value.isDefault = text == "true" }
        }
        return value.name.isEmpty ? nil : value
    }

    private static func keys(_ node: SchemaNode) -> [SchemaNode.Key] {
        if case .keys(let keys) = node.content { keys } else { [] }
    }
}
