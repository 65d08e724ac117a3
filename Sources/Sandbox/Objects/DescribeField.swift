import ChangeEvents
import Doors

/// One field in a describe answer.
struct DescribeField {
    let object: ObjectDefinition
    let field: FieldDefinition

    /// Members in alphabetical order, as an org answers them.
    var json: JSONValue {
        .object(members.sorted { $0.0 < $1.0 }.map { .init(name: $0.0, value: $0.1) })
    }

    private var members: [(String, JSONValue)] {
        let kind = field.kind
        let isSimple = !kind.isCompound
        let isLong = kind == .longTextArea
        return [
            ("aggregatable", .boolean(isSimple && !isLong && kind != .boolean)), ("aiPredictionField", .boolean(false)),
            ("autoNumber", .boolean(kind == .autoNumber)), ("byteLength", .number(String(byteLength))),
            ("calculated", .boolean(field.isDerived)), ("calculatedFormula", .null),
            ("cascadeDelete", .boolean(deletes(.cascade))),
            ("caseSensitive", .boolean(false)), ("compoundFieldName", field.compoundName.map { .string($0) } ?? .null),
            ("controllerName", .null), ("createable", .boolean(field.isCreateable && object.isWritable)),
            ("custom", .boolean(field.isCustom)), ("defaultValue", defaultValue), ("defaultValueFormula", .null),
            ("defaultedOnCreate", .boolean(isDefaulted)), ("dependentPicklist", .boolean(false)),
            ("deprecatedAndHidden", .boolean(false)),
            ("digits", .number(kind == .integer ? String(field.precision) : "0")),
            ("displayLocationInDecimal", .boolean(false)), ("encrypted", .boolean(false)),
            ("externalId", .boolean(false)),
            ("extraTypeInfo", extraTypeInfo), ("filterable", .boolean(isSimple && !isLong)),
            ("filteredLookupInfo", .null),
            ("formulaTreatNullNumberAsZero", .boolean(false)),
            ("groupable", .boolean(isSimple && !isLong && kind != .double && kind != .currency && kind != .dateTime)),
            ("highScaleNumber", .boolean(false)), ("htmlFormatted", .boolean(false)),
            ("idLookup", .boolean(isIDLookup)),
            ("inlineHelpText", .null), ("label", .string(field.label)), ("length", .number(String(length))),
            ("mask", .null),
            ("maskType", .null), ("name", .string(field.name)), ("nameField", .boolean(field.isNameField)),
            ("namePointing", .boolean(false)), ("nillable", .boolean(isNillable)),
            ("permissionable", .boolean(isPermissionable)), ("picklistValues", .array(picklistValues)),
            ("polymorphicForeignKey", .boolean((field.reference?.objects.count ?? 0) > 1)),
            ("precision", .number(kind == .integer ? "0" : String(field.precision))),
            ("queryByDistance", .boolean(kind == .address)), ("referenceTargetField", .null),
            ("referenceTo", .array((field.reference?.objects ?? []).map { .string($0) })),
            ("relationshipName", field.reference?.relationshipName.map { .string($0) } ?? .null),
            ("relationshipOrder", .null),
            ("restrictedDelete", .boolean(deletes(.restrict))),
            ("restrictedPicklist", .boolean(field.picklist?.isRestricted ?? false)),
            ("scale", .number(String(field.scale))),
            ("searchPrefilterable", .boolean(kind == .reference)), ("soapType", .string(kind.soapType)),
            ("sortable", .boolean(isSimple && !isLong)), ("type", .string(kind.describeType)),
            ("unique", .boolean(false)), ("updateable", .boolean(field.isUpdateable && object.isWritable)),
            ("writeRequiresMasterRead", .boolean(false)),
        ]
    }

    /// Where a value falls from the sky: checkboxes, defaults, the owner.
    private var isDefaulted: Bool {
        field.kind == .boolean || field.kind == .id || field.kind == .autoNumber || field.defaultValue != nil
            || field.name == "OwnerId" || Self.auditNames.contains(field.name)
    }

    private var isNillable: Bool {
        if field.name == "OwnerId" || Self.auditNames.contains(field.name) { return false }
        if field.kind == .personName { return false }
        return field.isNillable
    }

    private var isPermissionable: Bool {
        field.compoundName == nil && field.isCreateable && !field.isRequired && field.name != "OwnerId"
    }

    private var isIDLookup: Bool {
        field.kind == .id || field.name == "Email" || (field.isNameField && field.kind != .personName)
    }

    private var length: Int { field.kind.isCompound && field.kind != .personName ? 0 : field.length }

    /// Three bytes for each character, as an org in UTF-8 says.
    private var byteLength: Int { field.kind == .id || field.kind == .reference ? 18 : length * 3 }

    private var extraTypeInfo: JSONValue {
        switch (object.name, field.name, field.kind) {
        case (_, _, .personName): .string("personname")
        case (_, _, .textArea), (_, _, .longTextArea): .string("plaintextarea")
        default: .null
        }
    }

    private var defaultValue: JSONValue {
        // Picklist defaults stand with the values; an org gives `defaultValue` for checkboxes only.
        guard field.kind == .boolean else { return .null }
        return .boolean(field.defaultValue == .boolean(true))
    }

    private var picklistValues: [JSONValue] {
        (field.picklist?.values ?? []).map { value in
            .object([
                .init(name: "active", value: .boolean(true)),
                .init(name: "defaultValue", value: .boolean(value == field.picklist?.defaultValue)),
                .init(name: "label", value: .string(value)), .init(name: "validFor", value: .null),
                .init(name: "value", value: .string(value)),
            ])
        }
    }

    private func deletes(_ deletion: ReferenceTarget.Deletion) -> Bool { field.reference?.deletion == deletion }

    private static let auditNames: Set<String> = [
        "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
    ]
}
