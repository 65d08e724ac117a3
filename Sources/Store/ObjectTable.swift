import ChangeEvents

/// How the records of one object are kept: a table with a column per field.
///
/// `Id` is never among the columns; the table has it as `sfid`. A column `IsDeleted` is the record's tombstone mark.
public struct ObjectTable: Sendable, Hashable, Codable {
    public enum ColumnType: String, Sendable, Hashable, Codable {
        /// Compared as SOQL compares texts: without case.
        case text
        /// A record id, or a text that is compared bytewise.
        case identifier
        case boolean
        case integer
        case double
        case date
        case dateTime
        case time
    }

    public struct Column: Sendable, Hashable, Codable {
        /// API name of the field.
        public var name: String
        public var type: ColumnType
        /// Has an index of its own: ask for records by it, sort by it.
        public var isIndexed: Bool

        public init(_ name: String, _ type: ColumnType, isIndexed: Bool = false) {
            self.name = name
            self.type = type
            self.isIndexed = isIndexed
        }

        /// The column's name in SQL, without quotes.
        public var sqlName: String { name.lowercased() }
    }

    /// API name of the object: `Case`, `Employee__c`.
    public var entity: String
    public var columns: [Column]

    public init(entity: String, columns: [Column]) {
        self.entity = entity
        self.columns = columns
    }

    /// The table's name in SQL, without quotes.
    public var sqlName: String { Self.sqlName(of: entity) }

    public static func sqlName(of entity: String) -> String { "salesforce_" + entity.lowercased() }

    /// The record id.
    public static let idColumn = "sfid"
    /// 0 or 1.
    public static let isDeletedColumn = "isdeleted"
    /// An increasing number of the row, given at insertion and never changed.
    public static let rowColumn = "id"
    static let isDeletedField = "IsDeleted"

    /// Names reach SQL text only from here: letters, digits and underscores, no system column, none twice.
    func check() throws(StoreError) {
        guard Self.isName(entity) else { throw Self.refused("\(entity) is no name of an object") }
        var seen: Set<String> = ["id", "sfid"]
        for column in columns {
            guard Self.isName(column.name) else {
                throw Self.refused("\(entity): \(column.name) is no name of a field")
            }
            guard seen.insert(column.sqlName).inserted else {
                throw Self.refused("\(entity): the field \(column.name) is there twice or its name is reserved")
            }
        }
        guard columns.count <= Self.columnsMax else {
            throw Self.refused("\(entity) has \(columns.count) fields, \(Self.columnsMax) is the limit")
        }
    }

    /// SQLite takes 2,000 columns.
    static let columnsMax = 1_900

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first & 0xDF) else {
            return false
        }
        return name.utf8.count <= 200
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            }
    }

    private static func refused(_ message: String) -> StoreError {
        StoreError(code: .database, message: "a table cannot be made: \(message)")
    }
}
