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
            ("sobjects", .array(catalogue.objects.sorted { $0.name < $1.name }.map { object(summary(of: $0)) })),
        ])
    }

    /// `GET …/sobjects/X/describe`
    func object(_ definition: ObjectDefinition) -> JSONValue {
        let children = catalogue.references(to: definition.name).map { referrer, field in
            object([
                ("cascadeDelete", .boolean(field.reference?.deletion == .cascade)),
                ("childSObject", .string(referrer.name)), ("deprecatedAndHidden", .boolean(false)),
                ("field", .string(field.name)), ("junctionIdListNames", .array([])),
                ("junctionReferenceTo", .array([])),
                ("relationshipName", childRelationshipName(referrer, field)),
                ("restrictedDelete", .boolean(field.reference?.deletion == .restrict)),
            ])
        }
        return object(
            [
                ("actionOverrides", .array([])), ("childRelationships", .array(children)),
                ("compactLayoutable", .boolean(true)),
            ] + summary(of: definition) + [
                ("fields", .array(definition.fields.map { DescribeField(object: definition, field: $0).json })),
                ("listviewable", .null), ("lookupLayoutable", .null), ("namedLayoutInfos", .array([])),
                ("networkScopeFieldName", .null), ("recordTypeInfos", .array([masterRecordType])),
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
            ])
    }

    private func summary(of definition: ObjectDefinition) -> [(String, JSONValue)] {
        let path = "/services/data/v\(apiVersion)/sobjects/\(definition.name)"
        let yes = JSONValue.boolean(true)
        let no = JSONValue.boolean(false)
        let isWritable = JSONValue.boolean(definition.isWritable)
        return [
            ("activateable", no), ("associateEntityType", .null), ("associateParentEntity", .null),
            ("createable", isWritable), ("custom", .boolean(definition.name.hasSuffix("__c"))), ("customSetting", no),
            ("deepCloneable", no), ("deletable", isWritable), ("deprecatedAndHidden", no), ("feedEnabled", no),
            ("hasSubtypes", no), ("isInterface", no), ("isSubtype", no), ("keyPrefix", .string(definition.keyPrefix)),
            ("label", .string(definition.label)), ("labelPlural", .string(definition.labelPlural)), ("layoutable", yes),
            ("mergeable", no), ("mruEnabled", no), ("name", .string(definition.name)), ("queryable", no),
            ("replicateable", yes),
            ("retrieveable", yes), ("searchable", no), ("triggerable", .boolean(definition.isCapturable)),
            ("undeletable", no),
            ("updateable", isWritable),
            (
                "urls",
                object([
                    ("sobject", .string(path)), ("describe", .string(path + "/describe")),
                    ("rowTemplate", .string(path + "/{ID}")),
                ])
            ),
        ]
    }

    private var masterRecordType: JSONValue {
        object([
            ("active", .boolean(true)), ("available", .boolean(true)), ("defaultRecordTypeMapping", .boolean(true)),
            ("developerName", .string("Master")), ("master", .boolean(true)), ("name", .string("Master")),
            ("recordTypeId", .string("012000000000000AAA")),
        ])
    }

    /// `Contacts`, `Cases`, `ChildAccounts`; the audit fields have none.
    func childRelationshipName(_ referrer: ObjectDefinition, _ field: FieldDefinition) -> JSONValue {
        guard field.isCreateable, field.name != "OwnerId" else { return .null }
        if field.name == "ParentId" { return .string(referrer.name == "Case" ? "Cases" : "ChildAccounts") }
        return .string(referrer.labelPlural)
    }

    private func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(name: $0.0, value: $0.1) })
    }
}
