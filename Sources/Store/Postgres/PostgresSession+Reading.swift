import ChangeEvents
import Foundation

/// Everything beside the log.
extension PostgresSession {
    func schemaJSON(_ id: SchemaID) throws(StoreError) -> String? {
        let result = try query("SELECT json, checksum FROM millrace.schemas WHERE id = $1") { $0.add(id.string) }
        guard let row = result.first else { return nil }
        let json = try StoreError.checked(row.text(0), "the stored schema \(id)")
        try StoreError.checkIntact(
            row.integer(1), PostgresRowChecksum.schema(id.string, json: json), "the stored schema \(id)")
        return json
    }

    func newestSchemaID(eventName: String) throws(StoreError) -> SchemaID? {
        let result = try query(
            "SELECT \(LogRow.columns) FROM millrace.log WHERE event_name = $1 ORDER BY position DESC LIMIT 1"
        ) { $0.add(eventName) }
        guard let row = result.first else { return nil }
        return try PostgresLogRow.read(row, names: names).content.event.schemaID
    }

    func cursor(topic: String) throws(StoreError) -> ReplayID? {
        let result = try query("SELECT replay_id, checksum FROM millrace.cursors WHERE topic = $1") { $0.add(topic) }
        guard let row = result.first else { return nil }
        let bytes = row.bytes(0)
        try StoreError.checkIntact(
            row.integer(1), PostgresRowChecksum.cursor(topic: topic, bytes), "the cursor of \(topic)")
        return ReplayID(bytes: bytes)
    }

    func record(entity: String, id: RecordID) throws(StoreError) -> StoredRecord? {
        if let layout = layouts[entity] { return try record(in: layout, id: id) }
        let result = try query("SELECT \(RecordRow.columns) FROM millrace.records WHERE entity = $1 AND id = $2") {
            cells in
            cells.add(entity)
            cells.add(id)
        }
        guard let row = result.first else { return nil }
        return try PostgresRecordRow.read(row, names: names)
    }

    func records(entity: String, ids: [RecordID]) throws(StoreError) -> [StoredRecord] {
        if ids.isEmpty { return [] }
        var records: [StoredRecord] = []
        if let layout = layouts[entity] {
            let result = try query("\(layout.wholeSQL) WHERE sfid = ANY($1::text[])") { $0.add(ids) }
            for row in result.rows { records.append(try read(row, layout)) }
            return records
        }
        let result = try query(
            "SELECT \(RecordRow.columns) FROM millrace.records WHERE entity = $1 AND id = ANY($2::text[])"
        ) { cells in
            cells.add(entity)
            cells.add(ids)
        }
        for row in result.rows { records.append(try PostgresRecordRow.read(row, names: names)) }
        return records
    }

    func standings(entity: String, ids: [RecordID]) throws(StoreError) -> [RecordStanding] {
        if ids.isEmpty { return [] }
        guard let layout = layouts[entity] else {
            return try records(entity: entity, ids: ids).map { RecordStanding($0) }
        }
        return try Self.standings(query(layout.standingsSQL) { $0.add(ids) }, layout)
    }

    func standings(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [RecordStanding] {
        guard let layout = layouts[entity] else {
            return try records(entity: entity, after: after, limit: limit).map { RecordStanding($0) }
        }
        return try pages(after: after, limit: limit, of: Self.standingsPageSize) { last, count throws(StoreError) in
            let result = try query(layout.standingsPageSQL) { cells in
                cells.add(last)
                cells.add(Int64(count))
            }
            return try Self.standings(result, layout)
        } id: {
            $0.id
        }
    }

    private static func standings(
        _ result: PostgresResult, _ layout: PostgresLayout
    ) throws(StoreError) -> [RecordStanding] {
        var standings: [RecordStanding] = []
        for row in result.rows {
            guard !row.isNull(0), let id = row.withBytes(0, { RecordID(utf8: $0) }) else {
                throw StoreError(code: .corrupt, message: "a row of \(layout.table.entity) has no record id")
            }
            standings.append(RecordStanding(id: id, isDeleted: row.boolean(1)))
        }
        return standings
    }

    func isDeleted(entity: String, id: RecordID) throws(StoreError) -> Bool? {
        guard let layout = layouts[entity] else { return try record(entity: entity, id: id)?.isDeleted }
        return try query(layout.standingSQL) { $0.add(id) }.first?.boolean(0)
    }

    func records(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        if let layout = layouts[entity] { return try page(layout.pageSQL, of: layout, after: after, limit: limit) }
        return try untabledRecords(entity: entity, after: after, limit: limit)
    }

    func recordsToRefetch(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        if let layout = layouts[entity] { return try page(layout.refetchSQL, of: layout, after: after, limit: limit) }
        return try untabledPage(
            """
            SELECT \(RecordRow.columns) FROM millrace.records
            WHERE entity = $1 AND needs_refetch AND id > $2 ORDER BY id LIMIT $3
            """, entity: entity, after: after, limit: limit)
    }

    /// Of objects without a table: images in one table for all.
    func untabledRecords(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        try untabledPage(
            """
            SELECT \(RecordRow.columns) FROM millrace.records WHERE entity = $1 AND id > $2 ORDER BY id LIMIT $3
            """, entity: entity, after: after, limit: limit)
    }

    private func untabledPage(
        _ sql: String, entity: String, after: RecordID?, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        try pages(after: after, limit: limit) { last, count throws(StoreError) in
            let result = try query(sql) { cells in
                cells.add(entity)
                cells.add(last)
                cells.add(Int64(count))
            }
            var records: [StoredRecord] = []
            for row in result.rows { records.append(try PostgresRecordRow.read(row, names: names)) }
            return records
        } id: {
            $0.image.id
        }
    }

    private func page(
        _ sql: String, of layout: PostgresLayout, after: RecordID?, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        try pages(after: after, limit: limit) { last, count throws(StoreError) in
            let result = try query(sql) { cells in
                cells.add(last)
                cells.add(Int64(count))
            }
            var records: [StoredRecord] = []
            for row in result.rows { records.append(try read(row, layout)) }
            return records
        } id: {
            $0.image.id
        }
    }

    /// Records of one answer of the server.
    static let pageSize = 500
    /// The same of ids alone.
    private static let standingsPageSize = 10_000

    /// A limit may be "all": the server is asked page by page, since its answers are held in memory whole.
    private func pages<Row>(
        after: RecordID?, limit: Int, of size: Int = pageSize,
        _ next: (String, Int) throws(StoreError) -> [Row], id: (Row) -> RecordID
    ) throws(StoreError) -> [Row] {
        var rows: [Row] = []
        var last = after?.string ?? ""
        while rows.count < limit {
            let count = min(size, limit - rows.count)
            let page = try next(last, count)
            rows += page
            guard page.count == count, let final = page.last else { break }
            last = id(final).string
        }
        return rows
    }

    func gaps(in positions: ClosedRange<Position>) throws(StoreError) -> [Gap] {
        let result = try query(
            """
            SELECT topic, position, reason, declared_at, checksum
            FROM millrace.gaps WHERE position BETWEEN $1 AND $2 ORDER BY position, id
            """
        ) { cells in
            cells.add(positions.lowerBound.rawValue)
            cells.add(positions.upperBound.rawValue)
        }
        var gaps: [Gap] = []
        for row in result.rows {
            let position = Position(rawValue: row.integer(1))
            let what = "the gap declared at position \(position.rawValue)"
            let ordinal = gaps.last.map { $0.position == position ? $0.ordinal + 1 : 0 } ?? 0
            let gap = Gap(
                topic: try StoreError.checked(row.text(0), what), position: position,
                reason: try StoreError.checked(row.text(2), what), declaredAt: row.integer(3), ordinal: ordinal)
            try StoreError.checkIntact(row.integer(4), PostgresRowChecksum.gap(gap), what)
            gaps.append(gap)
        }
        return gaps
    }

    func state(_ key: String) throws(StoreError) -> [UInt8]? {
        let result = try query("SELECT value, checksum FROM millrace.state WHERE key = $1") { $0.add(key) }
        guard let row = result.first else { return nil }
        let value = row.bytes(0)
        try StoreError.checkIntact(row.integer(1), PostgresRowChecksum.state(key, value), "the state \(key)")
        return value
    }

    /// What the database says of the tables of objects.
    func loadLayouts() throws(StoreError) -> [String: PostgresLayout] {
        let result = try query("SELECT entity, definition, checksum FROM millrace.object_tables")
        var layouts: [String: PostgresLayout] = [:]
        for row in result.rows {
            let entity = try StoreError.checked(row.text(0), "the definition of a table")
            let what = "the definition of the table of \(entity)"
            let definition = try StoreError.checked(row.text(1), what)
            try StoreError.checkIntact(
                row.integer(2), PostgresRowChecksum.objectTable(entity, definition: definition), what)
            do {
                let table = try JSONDecoder().decode(ObjectTable.self, from: Data(definition.utf8))
                try table.check()
                layouts[table.entity] = PostgresLayout(table)
            } catch {
                throw StoreError(code: .corrupt, message: "\(what) cannot be read", cause: error)
            }
        }
        return layouts
    }
}
