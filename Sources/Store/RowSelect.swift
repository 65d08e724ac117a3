public import ChangeEvents

/// A `SELECT` in SQL with its parameters. The text holds names of tables and columns and nothing that a stranger wrote;
/// every literal is a parameter.
public struct RowSelect: Sendable, Hashable {
    public var sql: String
    public var parameters: [FieldValue]

    public init(sql: String, parameters: [FieldValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// Works out values that no column holds (formulas), while a select runs: `soql_derived(n, sfid)` in its text is
/// `value(n, ofRecord: sfid)`. Called on the store's thread, inside `select`.
public protocol RowDerivation: AnyObject {
    func value(_ index: Int, ofRecord id: String) throws -> FieldValue
}

extension StoreReader {
    public func select(
        _ select: RowSelect, _ body: (ResultRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try self.select(select, deriving: nil, body)
    }
}

/// The row that a `select` stands on. Valid inside the body it was handed to, until the next row.
public struct ResultRow {
    private enum Source {
        case sqlite(SQLiteStatement, NameCache)
        case postgres(PostgresRow)
    }

    private let source: Source

    init(statement: SQLiteStatement, names: NameCache) { source = .sqlite(statement, names) }

    init(_ row: PostgresRow) { source = .postgres(row) }

    public func isNull(_ column: Int) -> Bool {
        switch source {
        case .sqlite(let statement, _): statement.isNull(Int32(column))
        case .postgres(let row): row.isNull(column)
        }
    }

    public func integer(_ column: Int) -> Int64 {
        switch source {
        case .sqlite(let statement, _): statement.integer(Int32(column))
        case .postgres(let row): row.integer(column)
        }
    }

    /// Empty for null.
    public func text(_ column: Int) throws(StoreError) -> String {
        let text =
            switch source {
            case .sqlite(let statement, _): statement.text(Int32(column))
            case .postgres(let row): row.plainText(column)
            }
        return try checked(text, column)
    }

    /// A text that is likely to come again in this read.
    public func repeatedText(_ column: Int) throws(StoreError) -> String {
        guard case .sqlite(let statement, let names) = source else { return try text(column) }
        return try checked(statement.name(Int32(column), names), column)
    }

    private func checked(_ text: String?, _ column: Int) throws(StoreError) -> String {
        guard let text else {
            throw StoreError(code: .corrupt, message: "column \(column) of a result is not UTF-8")
        }
        return text
    }

    /// Throws `.corrupt` when the column holds another type.
    public func value(_ column: Int, as type: ObjectTable.ColumnType) throws(StoreError) -> FieldValue {
        switch source {
        case .sqlite(let statement, _): return try Self.value(of: statement, column, as: type)
        case .postgres(let row):
            guard let value = row.value(column, as: type) else { throw Self.otherType(column) }
            return value
        }
    }

    private static func value(
        of statement: SQLiteStatement, _ column: Int, as type: ObjectTable.ColumnType
    ) throws(StoreError) -> FieldValue {
        let index = Int32(column)
        switch statement.storageClass(index) {
        case .null: return .null
        case .text where type == .text || type == .identifier:
            guard let text = statement.text(index) else {
                throw StoreError(code: .corrupt, message: "column \(column) of a result is not UTF-8")
            }
            return .string(text)
        case .integer:
            let number = statement.integer(index)
            switch type {
            case .boolean: return .boolean(number != 0)
            case .integer: return .integer(number)
            case .double: return .double(Double(number))
            case .date: return .date(milliseconds: number)
            case .dateTime: return .dateTime(milliseconds: number)
            case .time: return .time(milliseconds: number)
            case .text, .identifier: break
            }
        case .double where type == .double: return .double(statement.double(index))
        case .text, .double, .blob: break
        }
        throw otherType(column)
    }

    private static func otherType(_ column: Int) -> StoreError {
        StoreError(code: .corrupt, message: "column \(column) of a result holds another type than was written")
    }
}
