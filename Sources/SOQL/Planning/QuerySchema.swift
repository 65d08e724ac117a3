/// What the planner asks about objects. It knows no catalogue and no database: whoever keeps the records describes them.
package protocol QuerySchema {
    /// Names compare without case.
    func object(named name: String) -> QueryObject?
}

/// An object as queries see it. Names of tables and columns go into SQL text as they stand here: they come from a
/// catalogue, never from a query.
package final class QueryObject: Sendable {
    package let name: String
    /// First three characters of the record ids; nil where ids have no prefix of their own.
    package let keyPrefix: String?
    /// Quoted.
    package let table: String
    package let fields: [QueryField]
    package let parents: [ParentRelationship]
    package let children: [ChildRelationship]
    private let fieldIndex: [String: Int]
    private let parentIndex: [String: Int]
    private let childIndex: [String: Int]

    package init(
        name: String, keyPrefix: String?, table: String, fields: [QueryField], parents: [ParentRelationship],
        children: [ChildRelationship]
    ) {
        self.name = name
        self.keyPrefix = keyPrefix
        self.table = table
        self.fields = fields
        self.parents = parents
        self.children = children
        fieldIndex = Self.index(fields.map(\.name))
        parentIndex = Self.index(parents.map(\.name))
        childIndex = Self.index(children.map(\.name))
    }

    package func field(_ name: some StringProtocol) -> QueryField? { fieldIndex[name.lowercased()].map { fields[$0] } }
    func parent(_ name: some StringProtocol) -> ParentRelationship? {
        parentIndex[name.lowercased()].map { parents[$0] }
    }
    func child(_ name: some StringProtocol) -> ChildRelationship? {
        childIndex[name.lowercased()].map { children[$0] }
    }

    private static func index(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($0.element.lowercased(), $0.offset) }, uniquingKeysWith: { $1 })
    }
}

/// `Owner`: from a reference field to the record it names.
package struct ParentRelationship: Sendable {
    package var name: String
    /// The reference field.
    package var field: String
    /// API names of the objects it may name.
    package var targets: [String]

    package init(name: String, field: String, targets: [String]) {
        self.name = name
        self.field = field
        self.targets = targets
    }
}

/// `Contacts`: from a record to those that name it.
package struct ChildRelationship: Sendable {
    package var name: String
    package var object: String
    /// The child's reference field.
    package var field: String

    package init(name: String, object: String, field: String) {
        self.name = name
        self.object = object
        self.field = field
    }
}

package struct QueryField: Sendable {
    /// Where the value comes from.
    package enum Source: Sendable {
        /// A column of the object's table, quoted.
        case column(String)
        /// `FirstName LastName`, of two columns.
        case personName(first: String, last: String)
        /// Worked out for each record by whoever keeps them (formulas).
        case derived
        /// An object of other fields; member names as they are answered.
        case compound([(name: String, field: String)])
    }

    package var name: String
    package var type: QueryType
    package var source: Source
    package var isCustom: Bool
    package var isFilterable: Bool
    package var isSortable: Bool
    package var isGroupable: Bool
    package var isAggregatable: Bool

    package init(
        name: String, type: QueryType, source: Source, isCustom: Bool = false, isFilterable: Bool = true,
        isSortable: Bool = true, isGroupable: Bool = true, isAggregatable: Bool = true
    ) {
        self.name = name
        self.type = type
        self.source = source
        self.isCustom = isCustom
        self.isFilterable = isFilterable
        self.isSortable = isSortable
        self.isGroupable = isGroupable
        self.isAggregatable = isAggregatable
    }
}

/// How a field compares and how its column is read.
package enum QueryType: Sendable, Hashable {
    case identifier
    case text
    /// Several values with semicolons between.
    case multiPicklist
    case boolean
    case integer
    case double
    case date
    case dateTime
    case time
    case compound

    /// As error messages name it.
    var noun: String {
        switch self {
        case .identifier: "reference"
        case .text, .multiPicklist: "string"
        case .boolean: "boolean"
        case .integer: "int"
        case .double: "double"
        case .date: "date"
        case .dateTime: "dateTime"
        case .time: "time"
        case .compound: "address"
        }
    }

    var isText: Bool { self == .text || self == .multiPicklist }
}
