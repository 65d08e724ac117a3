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

    private var members: [(String, JSONValue)] { flags + texts + numbers }

    private var flags: [(String, JSONValue)] {
        let kind = field.kind
        let flags: [(String, Bool)] = [
            ("aggregatable", field.isAggregatable),
            ("aiPredictionField", false), ("autoNumber", kind == .autoNumber),
            ("calculated", field.formula != nil || field.rollUp != nil || field.shownPath != nil),
            ("cascadeDelete", deletes(.cascade)), ("caseSensitive", field.isCaseSensitive),
            ("createable", field.isCreateable && object.isWritable), ("custom", field.isCustom),
            ("dataTranslationEnabled", false), ("defaultedOnCreate", isDefaulted), ("dependentPicklist", false),
            ("deprecatedAndHidden", false), ("displayLocationInDecimal", kind == .location),
            ("encrypted", kind == .encryptedText), ("externalId", field.isExternalID),
            ("filterable", field.isFilterable),
            ("formulaTreatNullNumberAsZero", field.formula != nil && field.treatsBlankAsZero),
            ("groupable", field.isGroupable), ("highScaleNumber", false), ("htmlFormatted", kind == .richText),
            ("idLookup", isIDLookup), ("nameField", field.isNameField), ("namePointing", isPolymorphic),
            ("nillable", isNillable), ("permissionable", isPermissionable),
            ("polymorphicForeignKey", isPolymorphic),
            ("queryByDistance", kind == .address || kind == .location), ("restrictedDelete", deletes(.restrict)),
            ("restrictedPicklist", field.picklist?.isRestricted ?? false), ("searchPrefilterable", kind == .reference),
            ("sortable", field.isSortable),
            ("unique", field.isUnique), ("updateable", field.isUpdateable && object.isWritable),
            ("writeRequiresMasterRead", field.reference?.isMasterDetail ?? false),
        ]
        return flags.map { ($0.0, .boolean($0.1)) }
    }

    private var texts: [(String, JSONValue)] {
        let isEncrypted = field.kind == .encryptedText
        return [
            ("calculatedFormula", text(field.formula)), ("compoundFieldName", text(field.compoundName)),
            ("controllerName", .null), ("defaultValue", defaultValue),
            ("defaultValueFormula", text(field.defaultFormula)),
            ("extraTypeInfo", text(extraTypeInfo)), ("filteredLookupInfo", .null), ("inlineHelpText", .null),
            ("label", .string(field.label)), ("mask", text(isEncrypted ? "X" : nil)),
            ("maskType", text(isEncrypted ? "all" : nil)), ("name", .string(field.name)),
            ("picklistValues", .array(picklistValues)), ("referenceTargetField", .null),
            ("referenceTo", .array((field.reference?.objects ?? []).map { .string($0) })),
            ("relationshipName", text(field.reference?.relationshipName)),
            ("soapType", .string(field.kind.soapType)), ("type", .string(field.kind.describeType)),
        ]
    }

    private var numbers: [(String, JSONValue)] {
        let isInteger = field.kind == .integer
        return [
            ("byteLength", .number(String(byteLength))),
            ("digits", .number(isInteger ? String(field.precision) : "0")), ("length", .number(String(length))),
            ("precision", .number(isInteger ? "0" : String(field.precision))),
            ("relationshipOrder", field.reference?.order.map { .number(String($0)) } ?? .null),
            ("scale", .number(String(field.scale))),
        ]
    }

    private func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    private var isPolymorphic: Bool { (field.reference?.objects.count ?? 0) > 1 }

    /// Where a value falls from the sky: checkboxes, defaults, the owner.
    private var isDefaulted: Bool {
        field.kind == .boolean || field.kind == .id || field.kind == .autoNumber || field.defaultValue != nil
            || field.defaultFormula != nil
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
        field.kind == .id || field.name == "Email" || field.isExternalID
            || (field.isNameField && field.kind != .personName)
    }

    private var length: Int { field.kind.isCompound && field.kind != .personName ? 0 : field.length }

    /// Three bytes for each character, as an org in UTF-8 says.
    private var byteLength: Int { field.kind == .id || field.kind == .reference ? 18 : length * 3 }

    private var extraTypeInfo: String? {
        switch field.kind {
        case .personName: "personname"
        case .textArea, .longTextArea: "plaintextarea"
        case .richText: "richtextarea"
        default: nil
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
