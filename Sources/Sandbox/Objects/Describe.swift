import Doors

/// The org's description of its objects, derived from their declarations.
struct Describe {
    let catalogue: Catalogue
    /// `66.0`
    let apiVersion: String

    /// `GET …/sobjects`
    func global() -> JSONValue {
        object([
            ("encoding", .string("UTF-8")), ("maxBatchSize", .number("200")),
            ("sobjects", .array(all.map { object(summary(of: $0)) })),
        ])
    }

    /// Objects, platform events and change events by name.
    private var all: [ObjectDefinition] {
        let changeEvents = catalogue.objects.filter(\.isCapturable).map { changeEvent(of: $0) }
        return (catalogue.objects + catalogue.events + changeEvents).sorted { $0.name < $1.name }
    }

    /// `GET …/sobjects/X/describe`
    func object(_ definition: ObjectDefinition) -> JSONValue {
        let references = definition.isPlatformEvent ? [] : catalogue.references(to: definition.name)
        let children = references.filter { !$0.field.isHidden }.map { referrer, field in
            object([
                ("cascadeDelete", .boolean(field.reference?.deletion == .cascade)),
                ("childSObject", .string(referrer.name)), ("deprecatedAndHidden", .boolean(false)),
                ("field", .string(field.name)), ("junctionIdListNames", .array([])),
                ("junctionReferenceTo", .array([])),
                ("relationshipName", childRelationshipName(referrer, field)),
                ("restrictedDelete", .boolean(field.reference?.deletion == .restrict)),
            ])
        }
        let members: [(String, JSONValue)] =
            [
                ("actionOverrides", .array([])), ("childRelationships", .array(children)),
                ("compactLayoutable", .boolean(!definition.isPlatformEvent)), ("defaultImplementation", .null),
                ("extendedBy", .null), ("extendsInterfaces", .null), ("implementedBy", .null),
                ("implementsInterfaces", .null), ("sobjectDescribeOption", .string("FULL")),
            ] + summary(of: definition) + [
                ("fields", .array(definition.visibleFields.map { DescribeField(object: definition, field: $0).json })),
                ("listviewable", .null), ("lookupLayoutable", .null), ("namedLayoutInfos", .array([])),
                ("networkScopeFieldName", .null),
                ("recordTypeInfos", .array(recordTypes(of: definition))),
                ("searchLayoutable", .boolean(true)),
                (
                    "supportedScopes",
                    .array([
                        object([
                            ("label", .string("All \(definition.labelPlural.lowercased())")),
                            ("name", .string("everything")),
                        ])
                    ])
                ),
            ]
        return object(members.sorted { $0.0 < $1.0 })
    }

    private func summary(of definition: ObjectDefinition) -> [(String, JSONValue)] {
        let path = "/services/data/v\(apiVersion)/sobjects/\(definition.name)"
        let isRecord = !definition.isPlatformEvent
        let isWritable = definition.isWritable
        let flags: [(String, Bool)] = [
            ("activateable", false), ("createable", isWritable), ("custom", definition.customID != nil),
            ("customSetting", false), ("deepCloneable", false), ("deletable", definition.isDeletable && isRecord),
            ("deprecatedAndHidden", false), ("feedEnabled", false), ("hasSubtypes", false), ("idEnabled", isRecord),
            ("isInterface", false), ("isSubtype", false), ("layoutable", isRecord),
            ("mergeable", definition.isMergeable), ("mruEnabled", isRecord && isWritable), ("queryable", isRecord),
            ("replicateable", isRecord), ("retrieveable", isRecord), ("searchable", isRecord),
            ("triggerable", definition.isCapturable || definition.isPlatformEvent),
            ("undeletable", definition.isDeletable && isRecord), ("updateable", isWritable && isRecord),
        ]
        var members: [(String, JSONValue)] = flags.map { ($0.0, .boolean($0.1)) }
        members += [
            ("associateEntityType", .null), ("associateParentEntity", .null),
            ("keyPrefix", definition.keyPrefix.isEmpty ? .null : .string(definition.keyPrefix)),
            ("label", .string(definition.label)),
            ("labelPlural", .string(definition.labelPlural)), ("name", .string(definition.name)),
            ("urls", urls(path, isRecord)),
        ]
        return members.sorted { $0.0 < $1.0 }
    }

    private func urls(_ path: String, _ isRecord: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [("describe", .string(path + "/describe"))]
        if isRecord {
            members.append(("rowTemplate", .string(path + "/{ID}")))
        } else {
            members.append(("eventSchema", .string(path + "/eventSchema")))
        }
        members.append(("sobject", .string(path)))
        return object(members)
    }

    /// `AccountChangeEvent`: what change events of an object have, none of which can be read or written.
    private func changeEvent(of definition: ObjectDefinition) -> ObjectDefinition {
        let header = FieldDefinition(.text, "ChangeEventHeader", "Change Event Header").readOnly()
        let fields = definition.fields.filter { $0.isCaptured && $0.kind != .id }.map { $0.readOnly() }
        return ObjectDefinition(
            name: definition.changeEventName, label: "\(definition.label) Change Event",
            labelPlural: "\(definition.label) Change Events", keyPrefix: "",
            category: .platformEvent(afterCommit: true), isWritable: false, isCapturable: false,
            fields: [FieldDefinition.text("ReplayId", "Replay ID", 1_333).readOnly(), header] + fields)
    }

    /// An object, a platform event or a change event by its name; nil: there is none.
    func definition(_ name: String) -> ObjectDefinition? {
        if let object = catalogue.object(name) ?? catalogue.event(name) { return object }
        let name = name.lowercased()
        return catalogue.objects.first { $0.isCapturable && $0.changeEventName.lowercased() == name }
            .map { changeEvent(of: $0) }
    }

    private func recordTypes(of definition: ObjectDefinition) -> [JSONValue] {
        if definition.isPlatformEvent { return [] }
        let master = recordType("Master", "Master", "012000000000000AAA", isMaster: true)
        guard definition.field("PersonContactId") != nil else { return [master] }
        return [
            recordType("Business_Account", "Business Account", PersonAccounts.businessRecordType),
            recordType("PersonAccount", "Person Account", PersonAccounts.personRecordType), master,
        ]
    }

    private func recordType(_ name: String, _ label: String, _ id: String, isMaster: Bool = false) -> JSONValue {
        object([
            ("active", .boolean(true)), ("available", .boolean(true)),
            ("defaultRecordTypeMapping", .boolean(isMaster)), ("developerName", .string(name)),
            ("master", .boolean(isMaster)), ("name", .string(label)), ("recordTypeId", .string(id)),
            ("urls", .null),
        ])
    }

    /// `Contacts`, `Cases`, `ChildAccounts`; the audit fields have none.
    func childRelationshipName(_ referrer: ObjectDefinition, _ field: FieldDefinition) -> JSONValue {
        field.reference?.childRelationshipName.map { .string($0) } ?? .null
    }

    private func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }
}
