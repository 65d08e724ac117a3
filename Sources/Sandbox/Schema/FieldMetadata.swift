/// A custom field as the Metadata API describes one, under the same names. Kept with the org; the field's definition is
/// made from it.
struct FieldMetadata: Sendable, Hashable, Codable {
    enum FieldType: String, Sendable, Hashable, Codable, CaseIterable {
        case autoNumber = "AutoNumber"
        case checkbox = "Checkbox"
        case currency = "Currency"
        case date = "Date"
        case dateTime = "DateTime"
        case email = "Email"
        case encryptedText = "EncryptedText"
        case html = "Html"
        case location = "Location"
        case longTextArea = "LongTextArea"
        case lookup = "Lookup"
        case hierarchy = "Hierarchy"
        case masterDetail = "MasterDetail"
        case multiselectPicklist = "MultiselectPicklist"
        case number = "Number"
        case percent = "Percent"
        case phone = "Phone"
        case picklist = "Picklist"
        case summary = "Summary"
        case text = "Text"
        case textArea = "TextArea"
        case time = "Time"
        case url = "Url"
    }

    enum DeleteConstraint: String, Sendable, Hashable, Codable, CaseIterable {
        case setNull = "SetNull"
        case restrict = "Restrict"
        case cascade = "Cascade"
    }

    enum BlankTreatment: String, Sendable, Hashable, Codable, CaseIterable {
        case zero = "BlankAsZero"
        case blank = "BlankAsBlank"
    }

    struct Value: Sendable, Hashable, Codable {
        var name: String
        var isDefault = false
    }

    var type: FieldType
    var label: String
    var length: Int?
    /// All digits of a number, those behind the point included.
    var precision: Int?
    /// Digits behind the point.
    var scale: Int?
    var required = false
    var unique = false
    var caseSensitive = false
    var externalId = false
    var defaultValue: String?
    /// A default that is computed for each new record.
    var defaultFormula: String?
    var formula: String?
    var formulaTreatBlanksAs: BlankTreatment?
    var referenceTo: [String] = []
    var relationshipName: String?
    var relationshipOrder: Int?
    var deleteConstraint: DeleteConstraint?
    var reparentableMasterDetail = false
    var values: [Value] = []
    var restricted = false
    var displayFormat: String?
    var startingNumber: Int?
    /// `Child__c.Field__c`
    var summarizedField: String?
    /// `Child__c.Master__c`
    var summaryForeignKey: String?
    var summaryOperation: RollUp.Operation?
    var summaryFilterItems: [RollUp.Filter] = []

    init(type: FieldType, label: String) {
        self.type = type
        self.label = label
    }
}

extension FieldMetadata.FieldType {
    /// What a formula may result in.
    static let ofFormulas: Set<Self> = [.checkbox, .currency, .date, .dateTime, .number, .percent, .text, .time]
    /// What a platform event may carry.
    static let ofEvents: Set<Self> = [.checkbox, .date, .dateTime, .longTextArea, .number, .text]
    static let ofExternalIDs: Set<Self> = [.autoNumber, .email, .number, .text]
    static let ofUniqueFields: Set<Self> = [.email, .number, .text]
    /// Types whose default is always a literal.
    static let withLiteralDefault: Set<Self> = [.checkbox, .picklist, .multiselectPicklist]

    private static let texts: Set<Self> = [.text, .textArea, .phone, .url, .email, .picklist]

    /// Whether a field can become one of another type with its values as they are: one kind of short text into another, one kind of
    /// number into another, a picklist into one of several values, an automatic number into a text.
    func converts(to other: Self) -> Bool {
        self == other || (Self.texts.contains(self) && Self.texts.contains(other))
            || (Self.withNumber.contains(self) && Self.withNumber.contains(other))
            || (self == .picklist && other == .multiselectPicklist) || (self == .autoNumber && other == .text)
    }

    static let withReference: Set<Self> = [.lookup, .hierarchy, .masterDetail]
    static let withNumber: Set<Self> = [.currency, .number, .percent]
    static let withValues: Set<Self> = [.picklist, .multiselectPicklist]

    /// Lengths that an org allows; nil where the type has none.
    var lengths: ClosedRange<Int>? {
        switch self {
        case .text: 1...255
        case .encryptedText: 1...175
        case .longTextArea, .html: 256...131_072
        default: nil
        }
    }
}
