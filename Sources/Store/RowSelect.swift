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
    let statement: SQLiteStatement
    let names: NameCache

    public func isNull(_ column: Int) -> Bool { statement.isNull(Int32(column)) }
    public func integer(_ column: Int) -> Int64 { statement.integer(Int32(column)) }

    /// Empty for null.
    public func text(_ column: Int) throws(StoreError) -> String {
        guard let text = statement.text(Int32(column)) else {
            throw StoreError(code: .corrupt, message: "column \(column) of a result is not UTF-8")
        }
        return text
    }

    /// A text that is likely to come again in this read.
    public func repeatedText(_ column: Int) throws(StoreError) -> String {
        guard let text = statement.name(Int32(column), names) else {
            throw StoreError(code: .corrupt, message: "column \(column) of a result is not UTF-8")
        }
        return text
    }

    /// Throws `.corrupt` when the column holds another type.
    public func value(_ column: Int, as type: ObjectTable.ColumnType) throws(StoreError) -> FieldValue {
        let index = Int32(column)
        switch statement.storageClass(index) {
        case .null: return .null
        case .text where type == .text || type == .identifier: return .string(try text(column))
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
        throw StoreError(code: .corrupt, message: "column \(column) of a result holds another type than was written")
    }
}
