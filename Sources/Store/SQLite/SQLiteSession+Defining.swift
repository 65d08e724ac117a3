import ChangeEvents
import Foundation
import GRDB

/// Tables of objects made, changed and dropped, inside the transaction that asks for it.
extension SQLiteSession {
    func define(_ table: ObjectTable) throws(StoreError) {
        try guarded { () throws(StoreError) in
            try table.check()
            let layout = TableLayout(table)
            if let old = layouts[table.entity] {
                if old.table == table { return }
                try change(old, to: layout)
            } else {
                try create(layout)
            }
            let row = try statement(
                """
                INSERT INTO object_tables (entity, definition, checksum)
                VALUES (?1, ?2, row_checksum('object_tables', ?1, ?2))
                ON CONFLICT (entity) DO UPDATE SET definition = excluded.definition, checksum = excluded.checksum
                """)
            row.bind(1, table.entity)
            row.bind(2, try Self.encoded(table))
            try row.run()
            layouts[table.entity] = layout
            layoutsAreChanged = true
        }
    }

    func undefine(entity: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            guard let layout = layouts.removeValue(forKey: entity) else { return }
            layoutsAreChanged = true
            try execute("DROP TABLE \(layout.name)")
            let row = try statement("DELETE FROM object_tables WHERE entity = ?")
            row.bind(1, entity)
            try row.run()
        }
    }

    /// What the database says at opening.
    func loadLayouts() throws(StoreError) -> [String: TableLayout] {
        let row = try statement(
            """
            SELECT entity, definition, checksum = row_checksum('object_tables', entity, definition)
            FROM object_tables
            """)
        defer { row.reset() }
        var layouts: [String: TableLayout] = [:]
        while try row.step() {
            try row.checkIntact(2, "the definition of the table of \(row.text(0) ?? "?")")
            do {
                let table = try JSONDecoder().decode(ObjectTable.self, from: Data(row.bytes(1)))
                try table.check()
                layouts[table.entity] = TableLayout(table)
            } catch {
                throw StoreError(
                    code: .corrupt, message: "the definition of the table of \(row.text(0) ?? "?") cannot be read",
                    cause: error)
            }
        }
        return layouts
    }

    private func create(_ layout: TableLayout) throws(StoreError) {
        try execute(layout.createSQL)
        try execute(layout.createRefetchIndexSQL)
        try adopt(layout)
        for column in layout.indexed { try execute(layout.createIndexSQL(column)) }
    }

    /// Moves records that were kept without a table.
    private func adopt(_ layout: TableLayout) throws(StoreError) {
        var last: RecordID?
        while true {
            let page = try untabledRecords(entity: layout.table.entity, after: last, limit: Self.movedAtOnce)
            for record in page { try put(record, in: layout) }
            guard let final = page.last, page.count == Self.movedAtOnce else { break }
            last = final.image.id
        }
        let row = try statement("DELETE FROM records WHERE entity = ?")
        row.bind(1, layout.table.entity)
        try row.run()
    }

    private func change(_ old: TableLayout, to new: TableLayout) throws(StoreError) {
        let before = Dictionary(uniqueKeysWithValues: old.columns.map { ($0.sqlName, $0) })
        let after = Dictionary(uniqueKeysWithValues: new.columns.map { ($0.sqlName, $0) })
        let isRetyped = new.columns.contains { column in before[column.sqlName].map { $0.type != column.type } ?? false
        }
        if isRetyped { return try rebuild(old, as: new) }
        // An index goes before its column, and a new one comes when the column is there.
        for column in old.indexed where !new.indexed.contains(where: { $0.sqlName == column.sqlName }) {
            try execute(old.dropIndexSQL(column))
        }
        for column in old.columns where after[column.sqlName] == nil { try execute(old.dropSQL(column)) }
        for column in new.columns where before[column.sqlName] == nil { try execute(new.addSQL(column)) }
        for column in new.indexed where !old.indexed.contains(where: { $0.sqlName == column.sqlName }) {
            try execute(new.createIndexSQL(column))
        }
    }

    /// A column of another type: every record is written again, and a value that the new type does not hold is kept beside
    /// the columns.
    private func rebuild(_ old: TableLayout, as new: TableLayout) throws(StoreError) {
        let aside = TableLayout.quoted("\(old.table.sqlName)__old")
        for column in old.indexed { try execute(old.dropIndexSQL(column)) }
        try execute(old.dropRefetchIndexSQL)
        try execute("ALTER TABLE \(old.name) RENAME TO \(aside)")
        try execute(new.createSQL)
        try execute(new.createRefetchIndexSQL)
        let kept = Set(new.columns.map(\.name))
        var last: Int64 = 0
        while true {
            var page: [StoredRecord] = []
            let selected = ([TableLayout.systemColumns] + old.columns.map(\.sqlName)).joined(separator: ", ")
            let row = try statement("SELECT \(selected), id FROM \(aside) WHERE id > ? ORDER BY id LIMIT ?")
            row.bind(1, last)
            row.bind(2, Int64(Self.movedAtOnce))
            while try row.step() {
                page.append(try read(row, old))
                last = row.integer(TableLayout.systemColumnCount + Int32(old.columns.count))
            }
            row.reset()
            for var record in page {
                record.image.fields = record.image.fields.filter {
                    kept.contains($0.key) || $0.key == ObjectTable.isDeletedField
                }
                try put(record, in: new)
            }
            if page.count < Self.movedAtOnce { break }
        }
        try execute("DROP TABLE \(aside)")
        for column in new.indexed { try execute(new.createIndexSQL(column)) }
    }

    private static let movedAtOnce = 500

    func execute(_ sql: String) throws(StoreError) {
        do {
            try database.execute(sql: sql)
        } catch {
            throw StoreError(sqlite: error)
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
