/// The type of a field: what values it takes, how describe names it and how change events carry it.
enum FieldKind: Sendable, Hashable {
    case id
    case text
    /// Several lines, up to 255 characters.
    case textArea
    /// Several lines, more than 255 characters; change events may send it as a difference.
    case longTextArea
    case picklist
    /// Several of a picklist's values, kept as one text: `A;C`.
    case multiPicklist
    /// Text with proposals: a picklist that takes any text.
    case combobox
    /// Several lines of HTML.
    case richText
    /// Text of up to 175 characters, masked for those who may not see it. Everyone may, in this org.
    case encryptedText
    case reference
    case boolean
    case integer
    case double
    case currency
    /// The number that is shown: 10 is ten per cent.
    case percent
    case date
    case dateTime
    /// A time of day.
    case time
    case email
    case phone
    case url
    /// Text that the org numbers by itself: `00001000`.
    case autoNumber
    /// The compound of an address; its parts are fields of their own.
    case address
    /// The compound of a geolocation; its parts are the fields `X__Latitude__s` and `X__Longitude__s`.
    case location
    /// The compound name of a person; its parts are fields of their own.
    case personName

    /// `type` in describe.
    var describeType: String {
        switch self {
        case .id: "id"
        case .text, .autoNumber, .personName: "string"
        case .textArea, .longTextArea, .richText: "textarea"
        case .encryptedText: "encryptedstring"
        case .picklist: "picklist"
        case .multiPicklist: "multipicklist"
        case .combobox: "combobox"
        case .reference: "reference"
        case .boolean: "boolean"
        case .integer: "int"
        case .double: "double"
        case .currency: "currency"
        case .percent: "percent"
        case .date: "date"
        case .dateTime: "datetime"
        case .time: "time"
        case .email: "email"
        case .phone: "phone"
        case .url: "url"
        case .address: "address"
        case .location: "location"
        }
    }

    /// `soapType` in describe.
    var soapType: String {
        switch self {
        case .id, .reference: "tns:ID"
        case .boolean: "xsd:boolean"
        case .integer: "xsd:int"
        case .double, .currency, .percent: "xsd:double"
        case .date: "xsd:date"
        case .dateTime: "xsd:dateTime"
        case .time: "xsd:time"
        case .address: "urn:address"
        case .location: "urn:location"
        case .text, .textArea, .longTextArea, .richText, .encryptedText, .picklist, .multiPicklist, .combobox, .email,
            .phone, .url, .autoNumber, .personName:
            "xsd:string"
        }
    }

    /// The `doc` attribute in an event schema.
    var eventDoc: String {
        switch self {
        case .id, .reference: "ForeignKey:EntityId"
        case .text, .textArea, .autoNumber: "Data:Text"
        case .longTextArea: "Data:StringPlusClob"
        case .richText: "Data:HtmlStringPlusClob"
        case .encryptedText: "Data:EncryptedText"
        case .picklist, .combobox: "Data:DynamicEnum"
        case .multiPicklist: "Data:MultiEnum"
        case .boolean: "Data:Boolean"
        case .integer: "Data:Integer"
        case .double: "Data:Double"
        case .currency: "Data:Currency"
        case .percent: "Data:Percent"
        case .date: "Data:DateOnly"
        case .dateTime: "Data:DateTime"
        case .time: "Data:TimeOnly"
        case .email: "Data:Email"
        case .phone: "Data:Phone"
        case .url: "Data:Url"
        case .address: "Data:Address"
        case .location: "Data:Location"
        case .personName: "Data:PersonName"
        }
    }

    /// The Avro type beside null; nil for compounds, which are records.
    var avroType: String? {
        switch self {
        case .boolean: "boolean"
        case .integer: "int"
        case .double, .currency, .percent: "double"
        case .date, .dateTime, .time: "long"
        case .id, .text, .textArea, .longTextArea, .richText, .encryptedText, .picklist, .multiPicklist, .combobox,
            .reference, .email, .phone, .url, .autoNumber:
            "string"
        case .address, .location, .personName: nil
        }
    }

    /// True for kinds whose values are strings of limited length.
    var isText: Bool {
        switch self {
        case .text, .textArea, .longTextArea, .richText, .encryptedText, .picklist, .multiPicklist, .combobox, .email,
            .phone, .url, .autoNumber:
            true
        case .id, .reference, .boolean, .integer, .double, .currency, .percent, .date, .dateTime, .time, .address,
            .location, .personName:
            false
        }
    }

    /// True for kinds whose values are numbers with decimals.
    var isDecimal: Bool { self == .double || self == .currency || self == .percent }

    /// Long texts: no filter, no index, no grouping, and differences in change events.
    var isLongText: Bool { self == .longTextArea || self == .richText }

    var isCompound: Bool { self == .address || self == .location || self == .personName }
}
