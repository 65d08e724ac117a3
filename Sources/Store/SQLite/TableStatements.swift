import ChangeEvents
import GRDB

/// What a transaction uses of one table again and again: its statements, and where the columns stand in the records.
///
/// Looking a statement up by its text costs more than running it: the text of a wide table has thousands of characters.
final class TableStatements {
    let layout: TableLayout
    private let database: Database
    private var known: [Purpose: SQLiteStatement] = [:]
    private var map: ColumnMap?

    enum Purpose: Int { case record, insert, indexed, standing }

    init(_ layout: TableLayout, _ database: Database) {
        self.layout = layout
        self.database = database
    }

    func statement(_ purpose: Purpose) throws(StoreError) -> SQLiteStatement {
        if let statement = known[purpose] { return statement }
        let sql =
            switch purpose {
            case .record: layout.recordSQL
            case .insert: layout.insertSQL
            case .indexed: layout.indexedSQL
            case .standing: layout.standingSQL
            }
        let statement = try SQLiteStatement(database, sql)
        known[purpose] = statement
        return statement
    }

    /// For records of this shape. The last one is kept: those of an object come in one shape.
    func map(of shape: RecordShape) -> ColumnMap {
        if let map, map.shape === shape { return map }
        let found = layout.map(of: shape)
        map = found
        return found
    }
}
