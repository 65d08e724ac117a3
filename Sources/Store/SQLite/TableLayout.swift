import ChangeEvents
import Synchronization

/// An object's table as SQL: names, statements and the order of columns. Immutable but for a cache; shared by all sessions.
///
/// Beside the fields a row has: `id` (its number), `sfid` (the record id), `isdeleted`, `_needs_refetch`,
/// `_commit_timestamp`, and `_rest`: null for a record that the columns hold exactly, else its whole image as `ImageCodec`
/// writes it (a partial image, a field without a column, a value of another type).
final class TableLayout: Sendable {
    struct Column: Sendable {
        let name: String
        /// With quotes.
        let sqlName: String
        let type: ObjectTable.ColumnType
        let isIndexed: Bool
    }

    let table: ObjectTable
    /// Without `IsDeleted`.
    let columns: [Column]
    /// Of records read from the table: the columns, and `IsDeleted` where the object has it.
    let shape: RecordShape
    /// Places among the columns.
    let indexedPlaces: [Int]
    var indexed: [Column] { indexedPlaces.map { columns[$0] } }
    let hasIsDeletedField: Bool
    /// Quoted.
    let name: String
    /// The columns before the fields in `selected`.
    static let systemColumns = "sfid, isdeleted, _needs_refetch, _commit_timestamp, _rest"
    static let systemColumnCount: Int32 = 5

    let recordSQL: String
    let pageSQL: String
    let refetchSQL: String
    let wholeSQL: String
    let insertSQL: String
    /// Row number, then the indexed columns.
    let indexedSQL: String
    let standingSQL: String
    let standingsPageSQL: String
    let removeSQL: String
    let markSQL: String
    /// Which indexed columns an update sets, as bits, to its text.
    private let updates = Mutex<[UInt64: Update]>([:])
    /// Of the shapes that records came in last.
    private let maps = Mutex<[ColumnMap]>([])

    /// An update that sets some of the indexed columns.
    struct Update: Sendable {
        let sql: String
        /// The columns it sets, by place, in the order of its parameters.
        let places: [Int]
    }

    init(_ table: ObjectTable) {
        self.table = table
        hasIsDeletedField = table.columns.contains { $0.name == ObjectTable.isDeletedField }
        let columns = table.columns.filter { $0.sqlName != ObjectTable.isDeletedColumn }.map { column in
            Column(
                name: column.name, sqlName: Self.quoted(column.sqlName), type: column.type, isIndexed: column.isIndexed)
        }
        self.columns = columns
        shape = RecordShape(columns.map(\.name) + (hasIsDeletedField ? [ObjectTable.isDeletedField] : []))
        indexedPlaces = Array(columns.indices.filter { columns[$0].isIndexed }.prefix(Self.indexesMax))
        let indexed = indexedPlaces.map { columns[$0] }
        name = Self.quoted(table.sqlName)
        let selected = ([Self.systemColumns] + columns.map(\.sqlName)).joined(separator: ", ")
        recordSQL = "SELECT \(selected) FROM \(name) WHERE sfid = ?"
        pageSQL = "SELECT \(selected) FROM \(name) WHERE sfid > ? ORDER BY sfid LIMIT ?"
        refetchSQL = "SELECT \(selected) FROM \(name) WHERE _needs_refetch = 1 AND sfid > ? ORDER BY sfid LIMIT ?"
        wholeSQL = "SELECT \(selected) FROM \(name)"
        let marks = Array(repeating: "?", count: columns.count + Int(Self.systemColumnCount)).joined(separator: ", ")
        insertSQL = "INSERT INTO \(name) (\(selected)) VALUES (\(marks))"
        indexedSQL =
            "SELECT \((["id"] + indexed.map(\.sqlName)).joined(separator: ", ")) FROM \(name) WHERE sfid = ?"
        standingSQL = "SELECT isdeleted FROM \(name) WHERE sfid = ?"
        standingsPageSQL = "SELECT sfid, isdeleted FROM \(name) WHERE sfid > ? ORDER BY sfid LIMIT ?"
        removeSQL = "DELETE FROM \(name) WHERE sfid = ?"
        markSQL = "UPDATE \(name) SET _needs_refetch = 1 WHERE _needs_refetch = 0"
    }

    /// A bit for each in an update's mask.
    static let indexesMax = 64
    /// Indexed columns that change together often are few: more than these are set all together, so that the statements of
    /// a connection stay few as well.
    private static let changedIndexesMax = 3

    /// Sets every column without an index, and of the indexed ones those in the mask: SQLite writes an index anew whenever
    /// its column is named, changed or not. `?1` is the row, `?2` to `?5` the system columns; the others follow.
    func update(_ mask: UInt64) -> Update {
        let mask = effective(mask)
        return updates.withLock { updates in
            if let known = updates[mask] { return known }
            var isLeftOut: Set<Int> = []
            for (bit, place) in indexedPlaces.enumerated() where mask & (1 << UInt64(bit)) == 0 {
                isLeftOut.insert(place)
            }
            let places = columns.indices.filter { !isLeftOut.contains($0) }
            let names =
                ["isdeleted", "_needs_refetch", "_commit_timestamp", "_rest"] + places.map { columns[$0].sqlName }
            let assignments = names.enumerated().map { "\($1) = ?\($0 + 2)" }.joined(separator: ", ")
            let made = Update(sql: "UPDATE \(name) SET \(assignments) WHERE id = ?1", places: places)
            updates[mask] = made
            return made
        }
    }

    /// Where the columns stand in records of a shape.
    func map(of shape: RecordShape) -> ColumnMap {
        maps.withLock { maps in
            if let known = maps.first(where: { $0.shape === shape }) { return known }
            let made = ColumnMap(names: columns.map(\.name), hasIsDeletedField: hasIsDeletedField, shape)
            if maps.count == Self.mapsMax { maps.removeFirst() }
            maps.append(made)
            return made
        }
    }

    /// Records come in the shape of the table, in that of the org's object, and while an object changes in those of both
    /// versions.
    private static let mapsMax = 4

    private func effective(_ mask: UInt64) -> UInt64 {
        mask.nonzeroBitCount > Self.changedIndexesMax ? .max : mask
    }

    // Making and changing.

    var createSQL: String { createSQL(hasUniqueIDs: true) }

    /// Rows of a scratch table may share an id that means nothing.
    func createSQL(hasUniqueIDs: Bool) -> String {
        let fields = columns.map { ", \(Self.declaration($0))" }.joined()
        return """
            CREATE TABLE \(name) (id INTEGER PRIMARY KEY, sfid TEXT NOT NULL\(hasUniqueIDs ? " UNIQUE" : ""), isdeleted INTEGER NOT NULL, \
            _needs_refetch INTEGER NOT NULL, _commit_timestamp INTEGER NOT NULL, _rest BLOB\(fields))
            """
    }

    func addSQL(_ column: Column) -> String { "ALTER TABLE \(name) ADD COLUMN \(Self.declaration(column))" }

    func dropSQL(_ column: Column) -> String { "ALTER TABLE \(name) DROP COLUMN \(column.sqlName)" }

    /// Most references are empty in most records: nulls stay out. The stamps that replicators page by have none.
    func createIndexSQL(_ column: Column) -> String {
        "CREATE INDEX \(indexName(column)) ON \(name) (\(column.sqlName)) WHERE \(column.sqlName) IS NOT NULL"
    }

    /// Those that are due are few: the others stay out.
    var createRefetchIndexSQL: String {
        "CREATE INDEX \(refetchIndexName) ON \(name) (sfid) WHERE _needs_refetch = 1"
    }

    var dropRefetchIndexSQL: String { "DROP INDEX \(refetchIndexName)" }

    private var refetchIndexName: String { Self.quoted("\(table.sqlName)__needs_refetch") }

    func dropIndexSQL(_ column: Column) -> String { "DROP INDEX \(indexName(column))" }

    private func indexName(_ column: Column) -> String {
        Self.quoted("\(table.sqlName)_\(column.name.lowercased())")
    }

    private static func declaration(_ column: Column) -> String {
        switch column.type {
        case .text: "\(column.sqlName) TEXT COLLATE \(TextFunctions.collation)"
        case .identifier: "\(column.sqlName) TEXT"
        case .double: "\(column.sqlName) REAL"
        case .boolean, .integer, .date, .dateTime, .time: "\(column.sqlName) INTEGER"
        }
    }

    /// Names were checked (`ObjectTable.check`): they hold no quote.
    static func quoted(_ name: String) -> String { "\"\(name)\"" }
}

extension TableLayout.Column {
    /// Whether the column gives the value back as it was.
    func holds(_ value: FieldValue) -> Bool {
        switch (value, type) {
        case (.null, _), (.boolean, .boolean), (.integer, .integer), (.string, .text), (.string, .identifier),
            (.date, .date), (.dateTime, .dateTime), (.time, .time):
            true
        // SQLite makes null of what is not a number, and a whole zero of a negative one.
        case (.double(let number), .double): !number.isNaN && !(number == 0 && number.sign == .minus)
        case (.boolean, _), (.integer, _), (.double, _), (.string, _), (.date, _), (.dateTime, _), (.time, _),
            (.list, _):
            false
        }
    }
}
