import ChangeEvents
import GRDB

/// The table of gaps, and what is in doubt by its entries.
extension SQLiteSession {
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
        let row = try statement("\(Self.entrySQL) WHERE \(condition) ORDER BY id DESC LIMIT ?")
        defer { row.reset() }
        row.bind(1, Int64(limit))
        var entries: [GapEntry] = []
        while try row.step() { entries.append(try Self.entry(row)) }
        return entries
    }

    func gapEntry(_ id: Int64) throws(StoreError) -> GapEntry? {
        let row = try statement("\(Self.entrySQL) WHERE id = ?")
        defer { row.reset() }
        row.bind(1, id)
        return try row.step() ? try Self.entry(row) : nil
    }

    private static let entrySQL = """
        SELECT id, checksum = row_checksum('gap_entries', \(GapEntry.columnList)), \(GapEntry.columnList) FROM gap_entries
        """

    private static func entry(_ row: SQLiteStatement) throws(StoreError) -> GapEntry {
        let id = row.integer(0)
        try row.checkIntact(1, "entry \(id) of the table of gaps")
        var values: [FieldValue] = []
        for (index, column) in GapEntry.columns.enumerated() {
            let place = Int32(index + 2)
            if row.isNull(place) {
                values.append(.null)
            } else if column.isText {
                values.append(row.text(place).map { .string($0) } ?? .null)
            } else {
                values.append(.integer(row.integer(place)))
            }
        }
        guard let entry = GapEntry(id: id, values: values) else {
            throw StoreError(code: .corrupt, message: "entry \(id) of the table of gaps cannot be read")
        }
        return entry
    }

    func openGapCount() throws(StoreError) -> Int {
        let row = try statement("SELECT count(*) FROM gap_entries WHERE \(Self.open)")
        defer { row.reset() }
        return try row.step() ? Int(row.integer(0)) : 0
    }

    func doubts(entity: String, id: RecordID?) throws(StoreError) -> [Int64] {
        let row = try statement("SELECT entry FROM gap_doubts WHERE entity = ? AND record_id = ? ORDER BY entry")
        defer { row.reset() }
        row.bind(1, entity)
        row.bind(2, id?.string ?? "")
        var entries: [Int64] = []
        while try row.step() { entries.append(row.integer(0)) }
        return entries
    }

    func doubtfulEntities() throws(StoreError) -> Set<String> {
        let row = try statement("SELECT DISTINCT entity FROM gap_doubts")
        defer { row.reset() }
        var entities: Set<String> = []
        while try row.step() {
            guard let entity = row.text(0) else {
                throw StoreError(code: .corrupt, message: "a row of gap_doubts is not UTF-8")
            }
            entities.insert(entity)
        }
        return entities
    }

    // Writing.

    func enter(_ entry: GapEntry) throws(StoreError) -> GapEntry {
        try guarded { () throws(StoreError) in
            let marks = (1...GapEntry.columns.count).map { "?\($0)" }.joined(separator: ", ")
            let row = try statement(
                """
                INSERT INTO gap_entries (\(GapEntry.columnList), checksum)
                VALUES (\(marks), row_checksum('gap_entries', \(marks)))
                """)
            for (index, value) in entry.values.enumerated() { row.bind(Int32(index + 1), value) }
            try row.run()
            var entered = entry
            entered.id = database.lastInsertedRowID
            return entered
        }
    }

    func change(_ entry: GapEntry) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let marks = (1...GapEntry.columns.count).map { "?\($0)" }.joined(separator: ", ")
            let row = try statement(
                """
                UPDATE gap_entries SET (\(GapEntry.columnList), checksum) =
                (\(marks), row_checksum('gap_entries', \(marks))) WHERE id = ?\(GapEntry.columns.count + 1)
                """)
            for (index, value) in entry.values.enumerated() { row.bind(Int32(index + 1), value) }
            row.bind(Int32(GapEntry.columns.count + 1), entry.id)
            try row.run()
        }
    }

    func doubt(_ entry: Int64, entity: String, ids: [RecordID]?) throws(StoreError) {
        try guarded { () throws(StoreError) in
            for id in ids.map({ $0.map(\.string) }) ?? [""] {
                let row = try statement(
                    "INSERT INTO gap_doubts (entity, record_id, entry) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                row.bind(1, entity)
                row.bind(2, id)
                row.bind(3, entry)
                try row.run()
            }
        }
    }

    func settle(entity: String, ids: [RecordID]?) throws(StoreError) -> [Int64] {
        var entries: Set<Int64> = []
        if let ids {
            for id in ids { try settle("entity = ? AND record_id = ?", [entity, id.string], &entries) }
        } else {
            try settle("entity = ?", [entity], &entries)
        }
        var settled: [Int64] = []
        for entry in entries.sorted() where try !hasDoubts(entry) { settled.append(entry) }
        return settled
    }

    private func settle(_ condition: String, _ values: [String], _ entries: inout Set<Int64>) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let found = try statement("SELECT DISTINCT entry FROM gap_doubts WHERE \(condition)")
            for (index, value) in values.enumerated() { found.bind(Int32(index + 1), value) }
            defer { found.reset() }
            var isThere = false
            while try found.step() {
                entries.insert(found.integer(0))
                isThere = true
            }
            guard isThere else { return }
            let row = try statement("DELETE FROM gap_doubts WHERE \(condition)")
            for (index, value) in values.enumerated() { row.bind(Int32(index + 1), value) }
            try row.run()
        }
    }

    func settle(entity: String, entry: Int64) throws(StoreError) -> Bool {
        try guarded { () throws(StoreError) in
            let row = try statement("DELETE FROM gap_doubts WHERE entity = ? AND record_id = '' AND entry = ?")
            row.bind(1, entity)
            row.bind(2, entry)
            try row.run()
        }
        return try !hasDoubts(entry)
    }

    private func hasDoubts(_ entry: Int64) throws(StoreError) -> Bool {
        let row = try statement("SELECT 1 FROM gap_doubts WHERE entry = ? LIMIT 1")
        defer { row.reset() }
        row.bind(1, entry)
        return try row.step()
    }

    func trimGapEntries(declaredBefore: Int64, closedMax: Int) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let old = try statement(
                """
                DELETE FROM gap_entries WHERE id IN (
                    SELECT id FROM gap_entries WHERE declared_at < ? AND \(Self.closed) ORDER BY id LIMIT ?)
                """)
            old.bind(1, declaredBefore)
            old.bind(2, Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            try old.run()
            let many = try statement(
                """
                DELETE FROM gap_entries WHERE id IN (
                    SELECT id FROM gap_entries WHERE \(Self.closed) AND id <= (
                        SELECT id FROM gap_entries WHERE \(Self.closed) ORDER BY id DESC LIMIT 1 OFFSET ?)
                    ORDER BY id LIMIT ?)
                """)
            many.bind(1, Int64(closedMax))
            many.bind(2, Int64(SQLiteStore.trimmedEventsPerTransactionMax))
            try many.run()
        }
    }
}
