/// One key of a schema document: the table of `docs/sandbox/objects.md`, and what the reader accepts.
struct SchemaKey: Sendable, Hashable {
    enum Place: String, Sendable, Hashable, CaseIterable { case root, object, nameField, event, field, filter }

    enum Kind: String, Sendable, Hashable {
        case text, boolean, whole, choice, names, values, keys, filters
    }

    let place: Place
    let name: String
    let kind: Kind
    let effect: String

    init(_ place: Place, _ name: String, _ kind: Kind, _ effect: String) {
        self.place = place
        self.name = name
        self.kind = kind
        self.effect = effect
    }

    static func named(_ name: String, in place: Place) -> SchemaKey? {
        all.first { $0.place == place && $0.name == name }
    }

    static func names(in place: Place) -> [String] { all.filter { $0.place == place }.map(\.name) }

    static let all: [SchemaKey] = [
        SchemaKey(.root, "objects", .keys, "custom objects, and standard ones that get fields, by API name"),
        SchemaKey(.root, "events", .keys, "platform events, by API name"),

        SchemaKey(.object, "label", .text, "of a custom object; from its name by default"),
        SchemaKey(.object, "pluralLabel", .text, "of a custom object; the label and an s by default"),
        SchemaKey(.object, "nameField", .keys, "of a custom object: what its records are called"),
        SchemaKey(.object, "fields", .keys, "custom fields, by API name"),

        SchemaKey(.nameField, "type", .choice, "Text (the default) or AutoNumber"),
        SchemaKey(.nameField, "label", .text, "the object's label and Name by default"),
        SchemaKey(.nameField, "displayFormat", .text, "of an AutoNumber: V-{0000}"),
        SchemaKey(.nameField, "startingNumber", .whole, "of an AutoNumber; 1 by default"),

        SchemaKey(.event, "label", .text, "from its name by default"),
        SchemaKey(.event, "pluralLabel", .text, "the label and an s by default"),
        SchemaKey(.event, "publishBehavior", .choice, "PublishAfterCommit (the default) or PublishImmediately"),
        SchemaKey(.event, "fields", .keys, "custom fields, by API name"),

        SchemaKey(.field, "type", .choice, "the type, as the Metadata API calls it; of a formula, that of its result"),
        SchemaKey(.field, "label", .text, "from the field's name by default"),
        SchemaKey(.field, "length", .whole, "characters of Text, EncryptedText, LongTextArea, Html"),
        SchemaKey(.field, "precision", .whole, "digits of a Number, Currency or Percent, 18 by default"),
        SchemaKey(.field, "scale", .whole, "how many of them stand behind the point, 0 by default"),
        SchemaKey(.field, "required", .boolean, "a record cannot be without it"),
        SchemaKey(.field, "unique", .boolean, "of Text, Number, Email: no two records have the same value"),
        SchemaKey(.field, "caseSensitive", .boolean, "of a unique Text: a and A differ"),
        SchemaKey(.field, "externalId", .boolean, "of Text, Number, Email, AutoNumber: records are upserted by it"),
        SchemaKey(
            .field, "defaultValue", .text,
            "what a new record gets: a literal, or a formula of `$User` and functions alone; true or false for a Checkbox"
        ),
        SchemaKey(.field, "formula", .text, "makes the field a formula"),
        SchemaKey(.field, "formulaTreatBlanksAs", .choice, "BlankAsZero (the default) or BlankAsBlank"),
        SchemaKey(.field, "referenceTo", .names, "object of a Lookup or MasterDetail; several make it polymorphic"),
        SchemaKey(.field, "relationshipName", .text, "from the object to its records: Vehicles for Vehicles__r"),
        SchemaKey(.field, "relationshipOrder", .whole, "of a MasterDetail: 0 or 1, where there are two"),
        SchemaKey(.field, "deleteConstraint", .choice, "of a Lookup: SetNull (the default), Restrict or Cascade"),
        SchemaKey(.field, "reparentableMasterDetail", .boolean, "of a MasterDetail: the master may be changed"),
        SchemaKey(.field, "values", .values, "of a picklist: names, or {name, default}"),
        SchemaKey(.field, "valueSet", .keys, "the same in the form of the Metadata API"),
        SchemaKey(.field, "restricted", .boolean, "of a picklist: other values are refused"),
        SchemaKey(.field, "displayFormat", .text, "of an AutoNumber: V-{0000}"),
        SchemaKey(.field, "startingNumber", .whole, "of an AutoNumber; 1 by default"),
        SchemaKey(.field, "summaryOperation", .choice, "of a Summary: count, sum, min or max"),
        SchemaKey(.field, "summaryForeignKey", .text, "of a Summary: Child__c.Master__c"),
        SchemaKey(.field, "summarizedField", .text, "of a Summary other than count: Child__c.Field__c"),
        SchemaKey(.field, "summaryFilterItems", .filters, "of a Summary: which records count"),

        SchemaKey(.filter, "field", .text, "Child__c.Field__c"),
        SchemaKey(
            .filter, "operation", .choice, "equals, notEqual, lessThan, greaterThan, lessOrEqual, greaterOrEqual"),
        SchemaKey(.filter, "value", .text, "what it is compared with; left out: with nothing"),
    ]

    /// Keys of the Metadata API that say nothing to a sandbox: accepted and not looked at.
    static let ignored: Set<String> = [
        "description", "inlineHelpText", "trackHistory", "trackTrending", "trackFeedHistory", "visibleLines",
        "relationshipLabel", "writeRequiresMasterRead", "displayLocationInDecimal", "isFilteringDisabled",
        "isNameField", "isSortingDisabled", "securityClassification", "businessOwnerGroup", "businessOwnerUser",
        "businessStatus", "complianceGroup", "stripMarkup", "maskChar", "maskType", "encryptionScheme",
        "deploymentStatus", "sharingModel", "externalSharingModel", "enableActivities", "enableReports",
        "enableHistory", "enableFeeds", "enableSearch", "enableBulkApi", "enableSharing", "enableStreamingApi",
        "eventType", "gender", "startsWith", "fullName", "customDataType", "lookupFilter", "populateExistingRows",
        "readOnlyProxy", "referenceTargetField", "urls", "allowInChatterGroups", "compactLayoutAssignment",
        "actionOverrides", "listViews", "recordTypes", "validationRules", "webLinks", "searchLayouts", "visibility",
    ]
}
