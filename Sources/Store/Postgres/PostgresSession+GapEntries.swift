import ChangeEvents

/// The table of gaps, and what is in doubt by its entries, as in `SQLiteSession`.
extension PostgresSession {
    private static let closed = "(mended_at IS NOT NULL OR mend = 'nobody')"
    private static let open = "mended_at IS NULL AND mend <> 'nobody'"

    func gapEntries(_ selection: GapSelection, limit: Int) throws(StoreError) -> [GapEntry] {
        guard limit > 0 else { return [] }
        let condition =
            switch selection {
            case .all: "true"
            case .open: Self.open
            case .closed: Self.closed
            }
        let result = try query("\(Self.entrySQL) WHERE \(condition) ORDER BY id DESC LIMIT $1") {
            $0.add(Int64(limit))
        }
        var entries: [GapEntry] = []
        for row in result.rows { entries.append(try Self.entry(row)) }
        return entries
    }

    func gapEntry(_ id: Int64) throws(StoreError) -> GapEntry? {
        guard let row = try query("\(Self.entrySQL) WHERE id = $1", { $0.add(id) }).first else { return nil }
        return try Self.entry(row)
    }

    private static let entrySQL = "SELECT id, checksum, \(GapEntry.columnList) FROM millrace.gap_entries"

    private static func entry(_ row: PostgresRow) throws(StoreError) -> GapEntry {
        let id = row.integer(0)
        let what = "entry \(id) of the table of gaps"
        var values: [FieldValue] = []
        for (index, column) in GapEntry.columns.enumerated() {
            if row.isNull(index + 2) {
                values.append(.null)
            } else if column.isText {
                values.append(.string(try StoreError.checked(row.text(index + 2), what)))
            } else {
                values.append(.integer(row.integer(index + 2)))
            }
        }
        try StoreError.checkIntact(row.integer(1), PostgresRowChecksum.gapEntry(values), what)
        guard let entry = GapEntry(id: id, values: values) else {
            throw StoreError(code: .corrupt, message: "\(what) cannot be read")
        }
        return entry
    }

    func openGapCount() throws(StoreError) -> Int {
        Int(try query("SELECT count(*) FROM millrace.gap_entries WHERE \(Self.open)").first?.integer(0) ?? 0)
    }

    func doubts(entity: String, id: RecordID?) throws(StoreError) -> [Int64] {
        try query("SELECT entry FROM millrace.gap_doubts WHERE entity = $1 AND record_id = $2 ORDER BY entry") {
            cells in
            cells.add(entity)
            cells.add(id?.string ?? "")
        }.rows.map { $0.integer(0) }
    }

    func doubtfulEntities() throws(StoreError) -> Set<String> {
        var entities: Set<String> = []
        for row in try query("SELECT DISTINCT entity FROM millrace.gap_doubts").rows {
            entities.insert(try StoreError.checked(row.text(0), "a row of gap_doubts"))
        }
        return entities
    }

    // Writing.

    private static func cells(_ entry: GapEntry) -> PostgresCells {
        var cells = PostgresCells()
        for value in entry.values {
            switch value {
            case .string(let text): cells.add(text)
            case .integer(let number): cells.add(number)
            default: cells.addNull()
            }
        }
        cells.add(PostgresRowChecksum.gapEntry(entry.values))
        return cells
    }

    private static let marks = (1...GapEntry.columns.count + 1).map { "$\($0)" }.joined(separator: ", ")

    func enter(_ entry: GapEntry) throws(StoreError) -> GapEntry {
        try guarded { () throws(StoreError) in
            let result = try connection.query(
                """
                INSERT INTO millrace.gap_entries (\(GapEntry.columnList), checksum) VALUES (\(Self.marks)) RETURNING id
                """, Self.cells(entry))
            guard let row = result.first else {
                throw StoreError(code: .database, message: "PostgreSQL gave an entry of the table of gaps no number")
            }
            var entered = entry
            entered.id = row.integer(0)
            return entered
        }
    }

    func change(_ entry: GapEntry) throws(StoreError) {
        try guarded { () throws(StoreError) in
            var cells = Self.cells(entry)
            cells.add(entry.id)
            try connection.send(
                """
                UPDATE millrace.gap_entries SET (\(GapEntry.columnList), checksum) = (\(Self.marks))
                WHERE id = $\(GapEntry.columns.count + 2)
                """, cells)
        }
    }

    func doubt(_ entry: Int64, entity: String, ids: [RecordID]?) throws(StoreError) {
        try guarded { () throws(StoreError) in
            for id in ids.map({ $0.map(\.string) }) ?? [""] {
                var cells = PostgresCells()
                cells.add(entity)
                cells.add(id)
                cells.add(entry)
                try connection.send(
                    """
                    INSERT INTO millrace.gap_doubts (entity, record_id, entry) VALUES ($1, $2, $3)
                    ON CONFLICT DO NOTHING
                    """, cells)
            }
        }
    }

    func settle(entity: String, ids: [RecordID]?) throws(StoreError) -> [Int64] {
        if let ids, ids.isEmpty { return [] }
        return try guarded { () throws(StoreError) in
            let some = ids == nil ? "" : "AND record_id = ANY($2)"
            let found = try query("DELETE FROM millrace.gap_doubts WHERE entity = $1 \(some) RETURNING entry") {
                cells in
                cells.add(entity)
                if let ids { cells.add(ids.map(\.string)) }
            }
            var settled: [Int64] = []
            for entry in Set(found.rows.map { $0.integer(0) }).sorted() where try !hasDoubts(entry) {
                settled.append(entry)
            }
            return settled
        }
    }

    func settle(entity: String, entry: Int64) throws(StoreError) -> Bool {
        try guarded { () throws(StoreError) in
            _ = try query("DELETE FROM millrace.gap_doubts WHERE entity = $1 AND record_id = '' AND entry = $2") {
                cells in
                cells.add(entity)
                cells.add(entry)
            }
            return try !hasDoubts(entry)
        }
    }

    private func hasDoubts(_ entry: Int64) throws(StoreError) -> Bool {
        try query("SELECT 1 FROM millrace.gap_doubts WHERE entry = $1 LIMIT 1") { $0.add(entry) }.first != nil
    }

    func trimGapEntries(declaredBefore: Int64, closedMax: Int) throws(StoreError) {
        try guarded { () throws(StoreError) in
            _ = try query(
                """
                DELETE FROM millrace.gap_entries WHERE id IN (
                    SELECT id FROM millrace.gap_entries WHERE declared_at < $1 AND \(Self.closed) ORDER BY id LIMIT $2)
                """
            ) { cells in
                cells.add(declaredBefore)
                cells.add(Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            }
            _ = try query(
                """
                DELETE FROM millrace.gap_entries WHERE id IN (
                    SELECT id FROM millrace.gap_entries WHERE \(Self.closed) AND id <= (
                        SELECT id FROM millrace.gap_entries WHERE \(Self.closed) ORDER BY id DESC LIMIT 1 OFFSET $1)
                    ORDER BY id LIMIT $2)
                """
            ) { cells in
                cells.add(Int64(closedMax))
                cells.add(Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            }
        }
    }
}
