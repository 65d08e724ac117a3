/// Reads a schema document into a `CustomSchema`, noting every mistake with its line. Judges form only: names, types
/// and what each key may hold. What the whole may be (`referenceTo` an object that exists) is `SchemaCheck`'s matter.
final class SchemaReader {
    private(set) var mistakes: [SchemaMistake] = []
    private(set) var schema = CustomSchema()
    /// Line of `Account`, `Account.Tier__c` and `Account.Tier__c.length`.
    private(set) var lines: [String: Int] = [:]

    /// The whole document.
    func read(_ root: SchemaNode) {
        let section = section(root, path: "", in: .root)
        for key in section.keys("objects") { readObject(key) }
        for key in section.keys("events") { readEvent(key) }
        section.finish()
    }

    /// One field on its own, as a Tooling call brings it.
    func readField(_ name: String, of object: String, _ node: SchemaNode) {
        readField(SchemaNode.Key(name: name, line: node.line, value: node), of: object)
    }

    /// One custom object or event on its own.
    func readDefinition(_ name: String, _ node: SchemaNode) {
        let key = SchemaNode.Key(name: name, line: node.line, value: node)
        if name.hasSuffix("__e") { readEvent(key) } else { readObject(key) }
    }

    func note(_ message: String, line: Int) { mistakes.append(SchemaMistake(line: line, message: message)) }

    private func readObject(_ key: SchemaNode.Key) {
        let section = section(key.value, path: key.name, in: .object, line: key.line)
        defer { section.finish() }
        if key.name.contains("__") {
            guard SchemaName.isCustom(key.name, suffix: "__c") else {
                section.note("\(key.name) is not the API name of a custom object: letters, digits and __c")
                return
            }
            guard schema.object(key.name) == nil else {
                section.note("\(key.name) is defined twice")
                return
            }
            let label = section.text("label") ?? SchemaName.label(of: key.name)
            schema.objects.append(
                CustomSchema.Object(
                    name: key.name, label: label, pluralLabel: section.text("pluralLabel") ?? label + "s",
                    nameField: nameField(section, label: label)))
        } else {
            for name in ["label", "pluralLabel", "nameField"] where section.has(name) {
                _ = section.node(name)
                section.note("of \(key.name) cannot be set: it is a standard object", at: name)
            }
        }
        for field in section.keys("fields") { readField(field, of: key.name) }
    }

    private func nameField(_ section: SchemaSection, label: String) -> CustomSchema.NameField {
        guard let node = section.node("nameField") else { return CustomSchema.NameField(label: "\(label) Name") }
        let inner = self.section(node, path: section.path + ".nameField", in: .nameField)
        let type = inner.choice("type", ["Text", "AutoNumber"]) ?? "Text"
        let ownLabel = inner.text("label")
        let format = inner.text("displayFormat")
        let first = inner.whole("startingNumber", 0...999_999_999)
        inner.finish()
        if type == "AutoNumber" {
            checkFormat(format, inner)
        } else {
            for name in ["displayFormat", "startingNumber"] where inner.has(name) {
                inner.note("belongs to an AutoNumber", at: name)
            }
        }
        return CustomSchema.NameField(
            label: ownLabel ?? "\(label) Name", displayFormat: type == "AutoNumber" ? format ?? "{0}" : nil,
            startingNumber: first ?? 1)
    }

    private func readEvent(_ key: SchemaNode.Key) {
        let section = section(key.value, path: key.name, in: .event, line: key.line)
        defer { section.finish() }
        guard SchemaName.isCustom(key.name, suffix: "__e") else {
            section.note("\(key.name) is not the API name of a platform event: letters, digits and __e")
            return
        }
        guard schema.object(key.name) == nil else {
            section.note("\(key.name) is defined twice")
            return
        }
        let label = section.text("label") ?? SchemaName.label(of: key.name)
        let behavior = section.choice("publishBehavior", CustomSchema.PublishBehavior.allCases.map(\.rawValue))
        schema.objects.append(
            CustomSchema.Object(
                name: key.name, label: label, pluralLabel: section.text("pluralLabel") ?? label + "s", nameField: nil,
                publishBehavior: behavior.flatMap(CustomSchema.PublishBehavior.init(rawValue:)) ?? .afterCommit))
        for field in section.keys("fields") { readField(field, of: key.name) }
    }

    private func readField(_ key: SchemaNode.Key, of object: String) {
        let path = "\(object).\(key.name)"
        let section = section(key.value, path: path, in: .field, line: key.line)
        guard SchemaName.isCustom(key.name, suffix: "__c") else {
            section.note("\(key.name) is not the API name of a custom field: letters, digits and __c")
            return
        }
        guard schema.field(key.name, of: object) == nil else {
            section.note("\(path) is defined twice")
            return
        }
        if let metadata = FieldReader(section: section, reader: self).metadata(label: SchemaName.label(of: key.name)) {
            schema.fields.append(CustomSchema.Field(object: object, name: key.name, metadata: metadata))
        }
    }

    /// `{0}`, `{0000}`, `V-{0000}`, `{YYYY}-{00}`: exactly one number.
    func checkFormat(_ format: String?, _ section: SchemaSection) {
        guard let format, AutoNumberFormat(format) == nil else { return }
        section.note(
            "must hold the number's place once, with \(AutoNumberFormat.digitsMax) zeros at most: V-{0000}",
            at: "displayFormat")
    }

    func section(_ node: SchemaNode, path: String, in place: SchemaKey.Place, line: Int? = nil) -> SchemaSection {
        SchemaSection(node: node, path: path, place: place, line: line ?? node.line, reader: self)
    }

    func stands(_ path: String, at line: Int) { if lines[path] == nil { lines[path] = line } }
}
