/// An object as OData clients see it: an entity type, and the entity set of the same name. Its key is `Id`.
package struct ODataEntityType: Sendable, Hashable {
    package static let key = "Id"

    /// API name of the object.
    package let name: String
    /// The key among them. Without compounds, whose parts are properties of their own.
    package let properties: [ODataProperty]
    private let index: [String: Int]

    package init(name: String, properties: [ODataProperty]) {
        self.name = name
        self.properties = properties
        precondition(properties.contains { $0.name == Self.key }, "an entity type has its key among its properties")
        index = Dictionary(properties.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { $1 })
    }

    /// Names are exact in OData: `name` is no property where `Name` is one.
    package func property(_ name: String) -> ODataProperty? { index[name].map { properties[$0] } }
}

package struct ODataProperty: Sendable, Hashable {
    package var name: String
    package var type: ODataType
    package var isNullable: Bool
    /// A filter may name it. Long texts cannot be filtered, as in SOQL.
    package var isFilterable: Bool
    package var isSortable: Bool

    package init(name: String, type: ODataType, isNullable: Bool, isFilterable: Bool, isSortable: Bool) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
        self.isFilterable = isFilterable
        self.isSortable = isSortable
    }

    /// `$search` looks at it.
    var isSearched: Bool {
        guard case .text = type else { return false }
        return isFilterable
    }
}

/// What a property holds: what it is called in `$metadata`, how it is written in an answer and what a filter compares it with.
package enum ODataType: Sendable, Hashable {
    /// Text, ordered without case.
    case text(lengthMax: Int)
    /// Text of 18 characters, ordered bytewise.
    case recordID
    /// Text (`10:30:00.000Z`): Salesforce Connect has no type for a time of day.
    case timeOfDay
    case boolean
    case int32
    case decimal(precision: Int, scale: Int)
    case double
    case date
    case dateTimeOffset

    static let recordIDLength = 18

    /// `Edm.String`
    var name: String {
        switch self {
        case .text, .recordID, .timeOfDay: "Edm.String"
        case .boolean: "Edm.Boolean"
        case .int32: "Edm.Int32"
        case .decimal: "Edm.Decimal"
        case .double: "Edm.Double"
        case .date: "Edm.Date"
        case .dateTimeOffset: "Edm.DateTimeOffset"
        }
    }

    /// Attributes beside the type: names and values.
    var facets: [(name: String, value: String)] {
        switch self {
        case .text(let lengthMax): [("MaxLength", String(lengthMax))]
        case .recordID: [("MaxLength", String(Self.recordIDLength))]
        case .timeOfDay: [("MaxLength", String(ODataTime.timeLength))]
        case .decimal(let precision, let scale): [("Precision", String(precision)), ("Scale", String(scale))]
        // Milliseconds.
        case .dateTimeOffset: [("Precision", "3")]
        case .boolean, .int32, .double, .date: []
        }
    }
}
