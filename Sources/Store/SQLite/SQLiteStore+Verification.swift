import GRDB

extension SQLiteStore {
    /// What `verify` went through.
    public struct Verification: Sendable, Hashable {
        public var events: Int
        public var records: Int
    }

    /// Reads everything and checks it: SQLite's own `integrity_check`, then every row against its checksum and
    /// the log against its order. Takes the time of reading the file once; writers go on beside it.
    public func verify() async throws -> Verification {
        try checkOpen()
        let complaints: [String]
        do {
            complaints = try await pool.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        } catch {
            throw StoreError(sqlite: error)
        }
        guard complaints == ["ok"] else {
            throw StoreError(
                code: .corrupt, message: "integrity check: " + complaints.prefix(5).joined(separator: "; "))
        }
        return try await read { reader in
            guard let session = reader as? SQLiteSession else { return Verification(events: 0, records: 0) }
            try session.verifySmallTables()
            return Verification(events: try session.verifyLog(), records: try session.verifyRecords())
        }
    }
}

extension SQLiteSession {
    func verifyLog() throws(StoreError) -> Int {
        let summary = try loadSummary()
        let row = try statement("SELECT \(LogRow.columns) FROM log ORDER BY position")
        defer { row.reset() }
        var expected = summary.trimmed + 1
        var bytes: Int64 = 0
        while try row.step() {
            let event = try LogRow.read(row, names: names)
            guard event.position.rawValue == expected else { throw .corruptEvent(expected, "it is missing") }
            bytes += Int64(LogRow.readBytes(row))
            expected += 1
        }
        guard expected == summary.head + 1 else { throw .corruptEvent(expected, "it is missing") }
        guard bytes == summary.storedBytes else {
            throw StoreError(
                code: .corrupt, message: "the log holds \(bytes) bytes, its summary says \(summary.storedBytes)")
        }
        return Int(summary.head - summary.trimmed)
    }

    func verifySmallTables() throws(StoreError) {
        for table in RowChecksum.tables {
            let row = try statement(
                "SELECT checksum = row_checksum('\(table.name)', \(table.columns)) FROM \(table.name)")
            defer { row.reset() }
            while try row.step() { try row.checkIntact(0, "a row of \(table.name)") }
        }
    }

    func verifyRecords() throws(StoreError) -> Int {
        let row = try statement("SELECT \(RecordRow.columns) FROM records")
        defer { row.reset() }
        var count = 0
        while try row.step() {
            _ = try RecordRow.read(row, names: names)
            count += 1
        }
        for layout in layouts.values {
            let row = try statement(layout.wholeSQL)
            defer { row.reset() }
            while try row.step() {
                _ = try read(row, layout)
                count += 1
            }
        }
        return count
    }
}
