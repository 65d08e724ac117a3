import ChangeEvents

extension PostgresStore {
    public typealias Verification = SQLiteStore.Verification

    /// Reads everything and checks it, in one snapshot: every row against its checksum, the log against its order and its
    /// summary, every value of the tables of objects against its type. PostgreSQL's own structures are its own to check.
    public func verify() async throws -> Verification {
        try await read { reader in
            guard let session = reader as? PostgresSession else { return Verification(events: 0, records: 0) }
            try session.verifySmallTables()
            return Verification(events: try session.verifyLog(), records: try session.verifyRecords())
        }
    }
}

extension PostgresSession {
    private static let verifiedAtOnce = 500

    func verifyLog() throws(StoreError) -> Int {
        let summary = try loadSummary()
        var last = summary.trimmed
        var bytes: Int64 = 0
        while true {
            let result = try query(
                "SELECT \(LogRow.columns) FROM millrace.log WHERE position > $1 ORDER BY position LIMIT $2"
            ) { cells in
                cells.add(last)
                cells.add(Int64(Self.verifiedAtOnce))
            }
            for row in result.rows {
                let event = try PostgresLogRow.read(row, names: names)
                guard event.position.rawValue == last + 1 else { throw .corruptEvent(last + 1, "it is missing") }
                bytes += Int64(PostgresLogRow.readBytes(row))
                last += 1
            }
            if result.rowCount < Self.verifiedAtOnce { break }
        }
        guard last == summary.head else { throw .corruptEvent(last + 1, "it is missing") }
        guard bytes == summary.storedBytes else {
            throw StoreError(
                code: .corrupt, message: "the log holds \(bytes) bytes, its summary says \(summary.storedBytes)")
        }
        return Int(summary.head - summary.trimmed)
    }

    func verifySmallTables() throws(StoreError) {
        for row in try query("SELECT id FROM millrace.schemas").rows {
            _ = try schemaJSON(.init(try StoreError.checked(row.text(0), "a stored schema")))
        }
        for row in try query("SELECT topic FROM millrace.cursors").rows {
            _ = try cursor(topic: try StoreError.checked(row.text(0), "a cursor"))
        }
        for row in try query("SELECT key FROM millrace.state").rows {
            _ = try state(try StoreError.checked(row.text(0), "a state"))
        }
        for row in try query("SELECT replay_key, topic, position, checksum FROM millrace.places").rows {
            let topic = try StoreError.checked(row.text(1), "a place")
            try StoreError.checkIntact(
                row.integer(3), PostgresRowChecksum.place(row.bytes(0), topic: topic, row.integer(2)), "a place")
        }
        _ = try gaps(in: Position(rawValue: .min)...Position(rawValue: .max))
        _ = try gapEntries(.all, limit: .max)
        _ = try loadLayouts()
    }

    func verifyRecords() throws(StoreError) -> Int {
        var count = 0
        for row in try query("SELECT DISTINCT entity FROM millrace.records").rows {
            let entity = try StoreError.checked(row.text(0), "a row of the records")
            count += try countRecords(entity) { last throws(StoreError) in
                try untabledRecords(entity: entity, after: last, limit: Self.verifiedAtOnce)
            }
        }
        for entity in layouts.keys {
            count += try countRecords(entity) { last throws(StoreError) in
                try records(entity: entity, after: last, limit: Self.verifiedAtOnce)
            }
        }
        return count
    }

    private func countRecords(
        _ entity: String, _ next: (RecordID?) throws(StoreError) -> [StoredRecord]
    ) throws(StoreError) -> Int {
        var count = 0
        var last: RecordID?
        while true {
            let page = try next(last)
            count += page.count
            guard page.count == Self.verifiedAtOnce, let final = page.last else { return count }
            last = final.image.id
        }
    }
}
