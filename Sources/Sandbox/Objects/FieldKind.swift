/// The type of a field: what values it takes, how describe names it and how change events carry it.
enum FieldKind: Sendable, Hashable {
    case id
    case text
    /// Several lines, up to 255 characters.
    case textArea
    /// Several lines, more than 255 characters; change events may send it as a difference.
    case longTextArea
    case picklist
    case reference
    case boolean
    case integer
    case double
    case currency
    case date
    case dateTime
    case email
    case phone
    case url
    /// Text that the org numbers by itself: `00001000`.
    case autoNumber
    /// The compound of an address; its parts are fields of their own.
    case address
    /// The compound name of a person; its parts are fields of their own.
    case personName

    /// `type` in describe.
    var describeType: String {
        switch self {
        case .id: "id"
        case .text, .autoNumber, .personName: "string"
        case .textArea, .longTextArea: "textarea"
        case .picklist: "picklist"
        case .reference: "reference"
        case .boolean: "boolean"
        case .integer: "int"
        case .double: "double"
        case .currency: "currency"
        case .date: "date"
        case .dateTime: "datetime"
        case .email: "email"
        case .phone: "phone"
        case .url: "url"
        case .address: "address"
        }
    }

    /// `soapType` in describe.
    var soapType: String {
        switch self {
        case .id, .reference: "tns:ID"
        case .boolean: "xsd:boolean"
        case .integer: "xsd:int"
        case .double, .currency: "xsd:double"
        case .date: "xsd:date"
        case .dateTime: "xsd:dateTime"
        case .address: "urn:address"
        case .text, .textArea, .longTextArea, .picklist, .email, .phone, .url, .autoNumber, .personName: "xsd:string"
        }
    }

    /// The `doc` attribute in an event schema.
    var eventDoc: String {
        switch self {
        case .id, .reference: "ForeignKey:EntityId"
        case .text, .textArea, .autoNumber: "Data:Text"
        case .longTextArea: "Data:StringPlusClob"
        case .picklist: "Data:DynamicEnum"
        case .boolean: "Data:Boolean"
        case .integer: "Data:Integer"
        case .double: "Data:Double"
        case .currency: "Data:Currency"
        case .date: "Data:DateOnly"
        case .dateTime: "Data:DateTime"
        case .email: "Data:Email"
        case .phone: "Data:Phone"
        case .url: "Data:Url"
        case .address: "Data:Address"
        case .personName: "Data:PersonName"
        }
    }

    /// The Avro type beside null; nil for compounds, which are records.
    var avroType: String? {
        switch self {
        case .boolean: "boolean"
        case .integer: "int"
        case .double, .currency: "double"
        case .date, .dateTime: "long"
        case .id, .text, .textArea, .longTextArea, .picklist, .reference, .email, .phone, .url, .autoNumber: "string"
        case .address, .personName: nil
        }
    }

    /// True for kinds whose values are strings of limited length.
    var isText: Bool {
        switch self {
        case .text, .textArea, .longTextArea, .picklist, .email, .phone, .url, .autoNumber: true
        case .id, .reference, .boolean, .integer, .double, .currency, .date, .dateTime, .address, .personName: false
        }
    }

    var isCompound: Bool { self == .address || self == .personName }
}
