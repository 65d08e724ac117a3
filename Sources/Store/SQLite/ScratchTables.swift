import GRDB

/// Tables in memory for the length of one call: rows that no store keeps, to be asked in SQL like those it does.
public enum ScratchTables {
    /// A table with its rows. Their ids need not differ.
    public struct Content: Sendable {
        public var table: ObjectTable
        public var records: [StoredRecord]

        public init(table: ObjectTable, records: [StoredRecord]) {
            self.table = table
            self.records = records
        }
    }

    /// Runs `body` on tables of these contents. Blocks for its time; what it throws is thrown on. The reader holds nothing
    /// but the tables.
    public static func read<T>(_ contents: [Content], _ body: (any StoreReader) throws -> T) throws -> T {
        var configuration = Configuration()
        configuration.prepareDatabase { try TextFunctions.add(to: $0) }
        let queue: DatabaseQueue
        do {
            queue = try DatabaseQueue(configuration: configuration)
        } catch {
            throw StoreError(sqlite: error)
        }
        return try queue.inDatabase { database in
            let session = SQLiteSession(database, layouts: [:])
            for content in contents { try session.fill(content) }
            return try body(session)
        }
    }
}

extension SQLiteSession {
    fileprivate func fill(_ content: ScratchTables.Content) throws(StoreError) {
        try content.table.check()
        let layout = TableLayout(content.table)
        do {
            try database.execute(sql: layout.createSQL(hasUniqueIDs: false))
        } catch {
            throw StoreError(sqlite: error)
        }
        layouts[content.table.entity] = layout
        for record in content.records { try insert(record, in: layout) }
    }
}
