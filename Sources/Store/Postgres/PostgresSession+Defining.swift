import ChangeEvents
import Foundation

/// Tables of objects made, changed and dropped, inside the transaction that asks for it.
///
/// PostgreSQL shows a changed table to every session at once, whatever their snapshots: so a change waits for the reads under
/// way, and reads that begin wait for it, by a lock on `object_tables`. What an application has added, columns and indexes,
/// is not touched.
extension PostgresSession {
    func define(_ table: ObjectTable) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let layout = PostgresLayout(table)
            try layout.check()
            let old = layouts[table.entity]
            if old?.table == table { return }
            try lockTables()
            if let old { try change(old, to: layout) } else { try create(layout) }
            let definition = try Self.encoded(table)
            _ = try query(
                """
                INSERT INTO millrace.object_tables (entity, definition, checksum) VALUES ($1, $2, $3)
                ON CONFLICT (entity) DO UPDATE SET definition = excluded.definition, checksum = excluded.checksum
                """
            ) { cells in
                cells.add(table.entity)
                cells.add(definition)
                cells.add(PostgresRowChecksum.objectTable(table.entity, definition: definition))
            }
            layouts[table.entity] = layout
            try countChange()
        }
    }

    func undefine(entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            guard let layout = layouts[entity] else { return }
            try lockTables()
            try run("DROP TABLE \(layout.name)")
            _ = try query("DELETE FROM millrace.object_tables WHERE entity = $1") { $0.add(entity) }
            layouts[entity] = nil
            try countChange()
        }
    }

    private func lockTables() throws(StoreError) {
        try run("LOCK TABLE millrace.object_tables IN ACCESS EXCLUSIVE MODE")
    }

    private func countChange() throws(StoreError) {
        try run("UPDATE millrace.object_tables_version SET version = version + 1")
        layoutsAreChanged = true
        connection.forgetStatements()
    }

    private func create(_ layout: PostgresLayout) throws(StoreError) {
        try run(layout.createSQL(timestamps))
        try run(layout.createIDIndexSQL)
        try run(layout.createRefetchIndexSQL)
        try adopt(layout)
        for column in layout.indexed { try run(layout.createIndexSQL(column)) }
    }

    /// Moves records that were kept without a table.
    private func adopt(_ layout: PostgresLayout) throws(StoreError) {
        var last: RecordID?
        while true {
            let page = try untabledRecords(entity: layout.table.entity, after: last, limit: Self.pageSize)
            for record in page { try insert(record, in: layout) }
            guard let final = page.last, page.count == Self.pageSize else { break }
            last = final.image.id
        }
        _ = try query("DELETE FROM millrace.records WHERE entity = $1") { $0.add(layout.table.entity) }
    }

    private func change(_ old: PostgresLayout, to new: PostgresLayout) throws(StoreError) {
        let before = Dictionary(uniqueKeysWithValues: old.columns.map { ($0.sqlName, $0) })
        let after = Dictionary(uniqueKeysWithValues: new.columns.map { ($0.sqlName, $0) })
        let retyped = new.columns.filter { column in
            before[column.sqlName].map { $0.type != column.type } ?? false
        }
        let remade = Set(retyped.map(\.sqlName))
        // An index goes before its column, and a new one comes when the column is there.
        for column in old.indexed
        where after[column.sqlName].map({ !$0.isIndexed }) ?? true || remade.contains(column.sqlName) {
            try run(old.dropIndexSQL(column))
        }
        if retyped.isEmpty {
            for column in old.columns where after[column.sqlName] == nil { try run(old.dropSQL(column.sqlName)) }
        }
        for column in retyped {
            try run("ALTER TABLE \(new.name) RENAME COLUMN \(column.sqlName) TO \(Self.aside(column.sqlName))")
        }
        for column in new.columns where before[column.sqlName] == nil || remade.contains(column.sqlName) {
            try run(new.addSQL(column, timestamps))
        }
        if !retyped.isEmpty {
            connection.forgetStatements()
            try rewrite(old, as: new, retyped: remade)
            for column in retyped { try run(new.dropSQL(Self.aside(column.sqlName))) }
            for column in old.columns where after[column.sqlName] == nil { try run(old.dropSQL(column.sqlName)) }
        }
        for column in new.indexed
        where before[column.sqlName].map({ !$0.isIndexed }) ?? true || remade.contains(column.sqlName) {
            try run(new.createIndexSQL(column))
        }
    }

    /// Where a column stands while its values are written anew. No field begins like that.
    private static func aside(_ sqlName: String) -> String { "\"_was_\(sqlName.dropFirst().dropLast().prefix(50))\"" }

    /// Columns of another type: every record is written again, and a value that the new type does not hold is kept beside the
    /// columns.
    private func rewrite(
        _ old: PostgresLayout, as new: PostgresLayout, retyped: Set<String>
    ) throws(StoreError) {
        let names = old.columns.map { retyped.contains($0.sqlName) ? Self.aside($0.sqlName) : $0.sqlName }
        let sql = """
            SELECT \(PostgresLayout.selected(names)) FROM \(old.name) WHERE sfid > $1 ORDER BY sfid LIMIT $2
            """
        let kept = Set(new.columns.map(\.name) + [ObjectTable.isDeletedField])
        var last = ""
        while true {
            let result = try query(sql) { cells in
                cells.add(last)
                cells.add(Int64(Self.pageSize))
            }
            for row in result.rows {
                var record = try read(row, old)
                last = record.image.id.string
                record.image.fields = record.image.fields.filter { kept.contains($0.key) }
                try put(record, in: new)
            }
            if result.rowCount < Self.pageSize { return }
        }
    }

    private static func encoded(_ table: ObjectTable) throws(StoreError) -> String {
        do {
            return String(decoding: try JSONEncoder().encode(table), as: UTF8.self)
        } catch {
            throw StoreError(code: .database, message: "a table's definition cannot be written", cause: error)
        }
    }
}
