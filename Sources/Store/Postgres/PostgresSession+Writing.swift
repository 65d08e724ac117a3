import ChangeEvents
import NIOCore

extension PostgresSession: StoreWriter {
    private func send(_ sql: String, _ fill: (inout PostgresCells) -> Void) throws(StoreError) {
        var cells = PostgresCells()
        fill(&cells)
        try connection.send(sql, cells)
    }

    func append(_ event: NewEvent) throws(StoreError) -> LoggedEvent {
        try guarded { () throws(StoreError) in
            var summary = try loadSummary()
            summary.head += 1
            var cells = PostgresCells(reserving: 512 + event.event.payload.readableBytes)
            summary.storedBytes += PostgresLogRow.add(event, position: summary.head, to: &cells)
            try connection.send(PostgresLogRow.insertSQL, cells)
            change(summary)
            return LoggedEvent(position: Position(rawValue: summary.head), content: event)
        }
    }

    func saveSchema(_ id: SchemaID, json: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            try send(
                """
                INSERT INTO millrace.schemas (id, json, checksum) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET json = excluded.json, checksum = excluded.checksum
                """
            ) { cells in
                cells.add(id.string)
                cells.add(json)
                cells.add(PostgresRowChecksum.schema(id.string, json: json))
            }
        }
    }

    func setCursor(topic: String, to replayID: ReplayID) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let head = try loadSummary().head
            try send(
                """
                INSERT INTO millrace.cursors (topic, replay_id, checksum) VALUES ($1, $2, $3)
                ON CONFLICT (topic) DO UPDATE SET replay_id = excluded.replay_id, checksum = excluded.checksum
                """
            ) { cells in
                cells.add(topic)
                cells.add(replayID.bytes)
                cells.add(PostgresRowChecksum.cursor(topic: topic, replayID.bytes))
            }
            // A replay id that no event has is a place; the first position is kept when it comes again. The oldest places go.
            try send(
                """
                WITH added AS (
                    INSERT INTO millrace.places (replay_key, topic, position, checksum)
                    SELECT $1::bytea, $2::text, $3::bigint, $4::bigint
                    WHERE NOT EXISTS (SELECT 1 FROM millrace.log WHERE replay_key = $1 AND topic = $2)
                    AND NOT EXISTS (SELECT 1 FROM millrace.places WHERE replay_key = $1 AND topic = $2) RETURNING id)
                DELETE FROM millrace.places WHERE id <= (SELECT id FROM added) - \(SQLiteStore.placesMax)
                """
            ) { Self.addPlace(replayID.key, topic: topic, position: head, to: &$0) }
        }
    }

    static func addPlace(_ key: [UInt8], topic: String, position: Int64, to cells: inout PostgresCells) {
        cells.add(key)
        cells.add(topic)
        cells.add(position)
        cells.add(PostgresRowChecksum.place(key, topic: topic, position))
    }

    func put(_ record: StoredRecord) throws(StoreError) {
        try guarded { () throws(StoreError) in
            if let layout = layouts[record.image.entity] { return try put(record, in: layout) }
            try connection.send(PostgresRecordRow.upsertSQL, PostgresRecordRow.cells(record))
        }
    }

    func insert(_ record: StoredRecord) throws(StoreError) {
        guard let layout = layouts[record.image.entity] else { return try put(record) }
        try guarded { () throws(StoreError) in try insert(record, in: layout) }
    }

    func load(_ records: [StoredRecord]) throws(StoreError) {
        try guarded { () throws(StoreError) in
            guard let entity = records.first?.image.entity else { return }
            if let other = records.first(where: { $0.image.entity != entity }) {
                throw StoreError(
                    code: .database,
                    message: "records of one object are loaded together, not \(entity) and \(other.image.entity)")
            }
            guard let layout = layouts[entity] else {
                for record in records {
                    try connection.send(PostgresRecordRow.upsertSQL, PostgresRecordRow.cells(record))
                }
                return
            }
            var left = records.makeIterator()
            let count = try connection.copy(layout.copySQL) {
                guard let record = left.next() else { return nil }
                var cells = cells(of: record, layout)
                cells.add(plain: "SYNCED")
                return cells
            }
            guard count == records.count else {
                throw StoreError(code: .database, message: "\(count) of \(records.count) records were copied")
            }
        }
    }

    func remove(entity: String, id: RecordID) throws(StoreError) {
        try guarded { () throws(StoreError) in
            if let layout = layouts[entity] { return try send(layout.removeSQL) { $0.add(id) } }
            try send("DELETE FROM millrace.records WHERE entity = $1 AND id = $2") { cells in
                cells.add(entity)
                cells.add(id)
            }
        }
    }

    func markForRefetch(entity: String) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            if let layout = layouts[entity] { return try query(layout.markSQL).affectedCount }
            return try query(
                "UPDATE millrace.records SET needs_refetch = true WHERE entity = $1 AND NOT needs_refetch"
            ) { $0.add(entity) }.affectedCount
        }
    }

    func declare(_ gap: Gap) throws(StoreError) -> Gap {
        try guarded { () throws(StoreError) in
            var declared = gap
            let count = try query("SELECT count(*) FROM millrace.gaps WHERE position = $1") {
                $0.add(gap.position.rawValue)
            }
            declared.ordinal = Int(count.first?.integer(0) ?? 0)
            try send(
                """
                INSERT INTO millrace.gaps (position, topic, reason, declared_at, checksum) VALUES ($1, $2, $3, $4, $5)
                """
            ) { cells in
                cells.add(gap.position.rawValue)
                cells.add(gap.topic)
                cells.add(gap.reason)
                cells.add(gap.declaredAt)
                cells.add(PostgresRowChecksum.gap(gap))
            }
            return declared
        }
    }

    func setState(_ key: String, to value: [UInt8]?) throws(StoreError) {
        try guarded { () throws(StoreError) in
            guard let value else { return try send("DELETE FROM millrace.state WHERE key = $1") { $0.add(key) } }
            try send(
                """
                INSERT INTO millrace.state (key, value, checksum) VALUES ($1, $2, $3)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum
                """
            ) { cells in
                cells.add(key)
                cells.add(value)
                cells.add(PostgresRowChecksum.state(key, value))
            }
        }
    }

    /// What was queued before the part and fails inside it takes the savepoint with it: going back to the savepoint then
    /// fails as well, and the transaction is lost.
    func part<T>(_ body: () throws -> T) throws(StoreError) -> Result<T, any Error> {
        parts += 1
        let savepoint = "part_\(parts)"
        let begun = try guarded { () throws(StoreError) in
            try connection.send("SAVEPOINT \(savepoint)")
            return (summary, summaryIsChanged, layouts, layoutsAreChanged)
        }
        var outcome = Result { try body() }
        if case .success = outcome {
            do throws(StoreError) {
                try guarded { () throws(StoreError) in
                    try connection.send("RELEASE \(savepoint)")
                    _ = try connection.synchronize()
                }
                return outcome
            } catch {
                // A body may have caught what failed, or not have seen it: half of it is not kept.
                outcome = .failure(error)
            }
        }
        if connection.isLost { throw failure ?? connection.lost("the connection to \(connection.address) is lost") }
        // What was queued last may fail only now, which is undone with the rest.
        if failure == nil { _ = try? connection.synchronize() }
        failure = nil
        try guarded { () throws(StoreError) in
            try connection.send("ROLLBACK TO \(savepoint)")
            try connection.send("RELEASE \(savepoint)")
            _ = try connection.synchronize()
        }
        if layoutsAreChanged { connection.forgetStatements() }
        (summary, summaryIsChanged, layouts, layoutsAreChanged) = begun
        return outcome
    }

    /// Called once before the commit. Afterwards the number of the transaction is known.
    func flushSummary() throws(StoreError) {
        if let failure { throw failure }
        let summary = try loadSummary()
        guard summaryIsChanged else { return }
        try send("UPDATE millrace.log_summary SET head = $1, trimmed = $2, stored_bytes = $3") { cells in
            cells.add(summary.head)
            cells.add(summary.trimmed)
            cells.add(summary.storedBytes)
        }
    }

    func change(_ changed: SQLiteSession.LogSummary) {
        summary = changed
        summaryIsChanged = true
    }
}
