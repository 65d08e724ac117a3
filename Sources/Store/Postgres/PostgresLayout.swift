import ChangeEvents
import Synchronization

/// An object's table as PostgreSQL has it: `salesforce.case`, laid out as Heroku Connect's. Immutable but for a cache; shared by
/// all sessions.
///
/// Beside the fields a row has `id` (its number), `sfid` (the record id; empty in rows of an application's own),
/// `isdeleted`, `_needs_refetch`, `_commit_timestamp`, `_rest` (as in `TableLayout`), `_hc_lastop` and `_hc_err`.
final class PostgresLayout: Sendable {
    struct Column: Sendable {
        let name: String
        /// With quotes.
        let sqlName: String
        let type: ObjectTable.ColumnType
        let isIndexed: Bool
    }

    static let schema = "salesforce"
    /// PostgreSQL cuts longer names off.
    private static let nameBytesMax = 63
    /// PostgreSQL takes 1,600, and a row of that many must still fit a page; some are left to the application.
    private static let columnsMax = 1_500
    /// Characters of a text that its index holds: an entry of an index has at most 2,704 bytes.
    private static let indexedCharacters = 255

    let table: ObjectTable
    /// Without `IsDeleted`.
    let columns: [Column]
    /// Of records read from the table: the columns, and `IsDeleted` where the object has it.
    let shape: RecordShape
    let hasIsDeletedField: Bool
    /// Qualified and quoted.
    let name: String
    var indexed: [Column] { columns.filter(\.isIndexed) }

    static let systemColumns = "sfid, isdeleted, _needs_refetch, _commit_timestamp, _rest"
    static let systemColumnCount = 5

    let recordSQL: String
    let pageSQL: String
    let refetchSQL: String
    let wholeSQL: String
    let insertSQL: String
    let putSQL: String
    let copySQL: String
    let standingSQL: String
    let standingsSQL: String
    let standingsPageSQL: String
    let removeSQL: String
    let markSQL: String
    /// Of the shapes that records came in last.
    private let maps = Mutex<[ColumnMap]>([])

    init(_ table: ObjectTable) {
        self.table = table
        hasIsDeletedField = table.columns.contains { $0.name == ObjectTable.isDeletedField }
        let columns = table.columns.filter { $0.sqlName != ObjectTable.isDeletedColumn }.map { column in
            Column(
                name: column.name, sqlName: TableLayout.quoted(column.sqlName), type: column.type,
                isIndexed: column.isIndexed)
        }
        self.columns = columns
        shape = RecordShape(columns.map(\.name) + (hasIsDeletedField ? [ObjectTable.isDeletedField] : []))
        let name = "\(Self.schema).\(TableLayout.quoted(table.entity.lowercased()))"
        self.name = name
        let selected = Self.selected(columns.map(\.sqlName))
        recordSQL = "SELECT \(selected) FROM \(name) WHERE sfid = $1"
        // Rows without a record id are an application's that Salesforce does not know yet.
        pageSQL = "SELECT \(selected) FROM \(name) WHERE sfid > $1 ORDER BY sfid LIMIT $2"
        refetchSQL = "SELECT \(selected) FROM \(name) WHERE _needs_refetch AND sfid > $1 ORDER BY sfid LIMIT $2"
        wholeSQL = "SELECT \(selected) FROM \(name)"
        let count = columns.count + Self.systemColumnCount
        let marks = (1...count).map { "$\($0)" }.joined(separator: ", ")
        insertSQL = "INSERT INTO \(name) (\(selected), _hc_lastop) VALUES (\(marks), 'SYNCED')"
        let assigned = ["isdeleted", "_needs_refetch", "_commit_timestamp", "_rest"] + columns.map(\.sqlName)
        let assignments = assigned.enumerated().map { "\($1) = $\($0 + 2)" }.joined(separator: ", ")
        // Not ON CONFLICT: that takes a number of the row for every update, and there are two thousand million of them.
        putSQL = """
            WITH known AS (
                UPDATE \(name) SET \(assignments), _hc_lastop = 'SYNCED', _hc_err = NULL WHERE sfid = $1 RETURNING 1)
            INSERT INTO \(name) (\(selected), _hc_lastop) SELECT \(marks), 'SYNCED'
            WHERE NOT EXISTS (SELECT 1 FROM known)
            """
        copySQL = "COPY \(name) (\(selected), _hc_lastop) FROM STDIN (FORMAT binary)"
        standingSQL = "SELECT isdeleted FROM \(name) WHERE sfid = $1"
        standingsSQL = "SELECT sfid, isdeleted FROM \(name) WHERE sfid = ANY($1::text[])"
        standingsPageSQL = "SELECT sfid, isdeleted FROM \(name) WHERE sfid > $1 ORDER BY sfid LIMIT $2"
        removeSQL = "DELETE FROM \(name) WHERE sfid = $1"
        markSQL = "UPDATE \(name) SET _needs_refetch = true WHERE NOT _needs_refetch AND sfid IS NOT NULL"
    }

    /// Throws where PostgreSQL could not keep the table.
    func check() throws(StoreError) {
        try table.check()
        for name in [table.entity] + table.columns.map(\.name) where name.utf8.count > Self.nameBytesMax {
            throw Self.refused("the name \(name) has more than \(Self.nameBytesMax) characters")
        }
        guard columns.count <= Self.columnsMax else {
            throw Self.refused("\(table.entity) has \(columns.count) fields, \(Self.columnsMax) is the limit")
        }
    }

    private static func refused(_ message: String) -> StoreError {
        StoreError(code: .database, message: "a table cannot be made: \(message)")
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

    private static let mapsMax = 4

    /// The rows whose column has the value of `$1`.
    func condition(_ column: Column) -> String {
        guard column.type == .text else { return "\(column.sqlName) = $1" }
        return """
            \(indexExpression(column)) = \(Self.indexed("$1")) AND \(column.sqlName) IS NOT NULL \
            AND (millrace.soql_fold(\(column.sqlName)) COLLATE "C") = (millrace.soql_fold($1) COLLATE "C")
            """
    }

    // Making and changing.

    func createSQL(_ timestamps: PostgresStore.TimestampType) -> String {
        """
        CREATE TABLE \(name) (
            id serial PRIMARY KEY, sfid varchar(18) COLLATE "C", isdeleted boolean NOT NULL DEFAULT false,
            _needs_refetch boolean NOT NULL DEFAULT false, _commit_timestamp bigint NOT NULL DEFAULT 0, _rest bytea,
            _hc_lastop varchar(32), _hc_err text\(columns.map { ", \(Self.declaration($0, timestamps))" }.joined()))
        """
    }

    /// Named as Heroku Connect names it.
    var createIDIndexSQL: String { "CREATE UNIQUE INDEX \(indexName("hcu_idx", "sfid")) ON \(name) (sfid)" }

    /// Those that are due are few: the others stay out.
    var createRefetchIndexSQL: String {
        "CREATE INDEX \(indexName("hc_idx", "_needs_refetch")) ON \(name) (sfid) WHERE _needs_refetch"
    }

    func addSQL(_ column: Column, _ timestamps: PostgresStore.TimestampType) -> String {
        "ALTER TABLE \(name) ADD COLUMN \(Self.declaration(column, timestamps))"
    }

    func dropSQL(_ sqlName: String) -> String { "ALTER TABLE \(name) DROP COLUMN \(sqlName)" }

    /// Most references are empty in most records: nulls stay out.
    func createIndexSQL(_ column: Column) -> String {
        let name = indexName("hc_idx", column.name.lowercased())
        return
            "CREATE INDEX \(name) ON \(self.name) (\(indexExpression(column))) WHERE \(column.sqlName) IS NOT NULL"
    }

    func dropIndexSQL(_ column: Column) -> String {
        "DROP INDEX \(Self.schema).\(indexName("hc_idx", column.name.lowercased()))"
    }

    static func selected(_ columns: [String]) -> String { ([systemColumns] + columns).joined(separator: ", ") }

    private func indexExpression(_ column: Column) -> String {
        column.type == .text ? Self.indexed(column.sqlName) : column.sqlName
    }

    private static func indexed(_ operand: String) -> String {
        "(left(millrace.soql_fold(\(operand)), \(indexedCharacters)) COLLATE \"C\")"
    }

    /// Names that would be too long end in their hash.
    private func indexName(_ prefix: String, _ column: String) -> String {
        let name = "\(prefix)_\(table.entity.lowercased())_\(column)"
        guard name.utf8.count > Self.nameBytesMax else { return TableLayout.quoted(name) }
        var sum = Checksum(seed: 0)
        sum.add(name)
        return TableLayout.quoted(name.prefix(Self.nameBytesMax - 17) + "_" + String(sum.value, radix: 16))
    }

    private static func declaration(_ column: Column, _ timestamps: PostgresStore.TimestampType) -> String {
        switch column.type {
        case .text: "\(column.sqlName) text"
        case .identifier: "\(column.sqlName) varchar(\(identifierCharactersMax)) COLLATE \"C\""
        case .boolean: "\(column.sqlName) boolean"
        case .integer: "\(column.sqlName) bigint"
        case .double: "\(column.sqlName) numeric"
        case .date: "\(column.sqlName) date"
        case .dateTime: "\(column.sqlName) \(timestamps.rawValue)"
        case .time: "\(column.sqlName) time"
        }
    }

    fileprivate static let identifierCharactersMax = 18
}

extension PostgresLayout.Column {
    /// Whether the column gives the value back as it was.
    func holds(_ value: FieldValue) -> Bool {
        switch (value, type) {
        case (.null, _), (.boolean, .boolean), (.integer, .integer): true
        case (.string(let text), .text): !text.utf8.contains(0)
        case (.string(let text), .identifier):
            text.unicodeScalars.count <= PostgresLayout.identifierCharactersMax && !text.utf8.contains(0)
        // A numeric knows no negative zero, and older servers no infinity.
        case (.double(let number), .double): number.isFinite && !(number == 0 && number.sign == .minus)
        case (.date(let milliseconds), .date): PostgresTime.holds(date: milliseconds)
        case (.dateTime(let milliseconds), .dateTime): PostgresTime.holds(dateTime: milliseconds)
        case (.time(let milliseconds), .time): PostgresTime.holds(time: milliseconds)
        case (.boolean, _), (.integer, _), (.double, _), (.string, _), (.date, _), (.dateTime, _), (.time, _),
            (.list, _):
            false
        }
    }

    /// Of a value that the column holds.
    func add(_ value: FieldValue, to cells: inout PostgresCells) {
        switch value {
        case .null, .list: cells.addNull()
        case .boolean(let flag): cells.add(flag)
        case .integer(let number): cells.add(number)
        case .double(let number): cells.add(numeric: number)
        case .string(let text): cells.add(plain: text)
        case .date(let milliseconds): cells.add(date: PostgresTime.days(milliseconds))
        case .dateTime(let milliseconds): cells.add(PostgresTime.stamp(milliseconds))
        case .time(let milliseconds): cells.add(milliseconds * 1_000)
        }
    }
}
