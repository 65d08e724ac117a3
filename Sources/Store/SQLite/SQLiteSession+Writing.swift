import ChangeEvents
import GRDB

extension SQLiteSession: StoreWriter {
    func append(_ event: NewEvent) throws(StoreError) -> LoggedEvent {
        try guarded { () throws(StoreError) in
            var summary = try loadSummary()
            summary.head += 1
            let row = try statement(LogRow.insertSQL)
            summary.storedBytes += LogRow.bind(event, position: summary.head, to: row)
            try row.run()
            change(summary)
            return LoggedEvent(position: Position(rawValue: summary.head), content: event)
        }
    }

    func saveSchema(_ id: SchemaID, json: String) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let row = try statement(
                """
                INSERT INTO schemas (id, json, checksum) VALUES (?1, ?2, row_checksum('schemas', ?1, ?2))
                ON CONFLICT (id) DO UPDATE SET json = excluded.json, checksum = excluded.checksum
                """)
            row.bind(1, id.string)
            row.bind(2, json)
            try row.run()
        }
    }

    func setCursor(topic: String, to replayID: ReplayID) throws(StoreError) {
        try guarded { () throws(StoreError) in
            let row = try statement(
                """
                INSERT INTO cursors (topic, replay_id, checksum) VALUES (?1, ?2, row_checksum('cursors', ?1, ?2))
                ON CONFLICT (topic) DO UPDATE SET replay_id = excluded.replay_id, checksum = excluded.checksum
                """)
            row.bind(1, topic)
            row.bind(2, replayID.bytes)
            try row.run()
            try addPlace(replayID, topic: topic, position: try loadSummary().head)
        }
    }

    func put(_ record: StoredRecord) throws(StoreError) {
        try guarded { () throws(StoreError) in
            if let layout = layouts[record.image.entity] { return try put(record, in: layout) }
            let row = try statement(RecordRow.upsertSQL)
            RecordRow.bind(record, to: row)
            try row.run()
        }
    }

    func insert(_ record: StoredRecord) throws(StoreError) {
        guard let layout = layouts[record.image.entity] else { return try put(record) }
        try guarded { () throws(StoreError) in try insert(record, in: layout) }
    }

    func remove(entity: String, id: RecordID) throws(StoreError) {
        try guarded { () throws(StoreError) in
            if let layout = layouts[entity] {
                let row = try statement(layout.removeSQL)
                row.bind(1, id)
                return try row.run()
            }
            let row = try statement("DELETE FROM records WHERE entity = ? AND id = ?")
            row.bind(1, entity)
            row.bind(2, id.string)
            try row.run()
        }
    }

    func markForRefetch(entity: String) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            if let layout = layouts[entity] {
                try statement(layout.markSQL).run()
                return database.changesCount
            }
            let row = try statement("UPDATE records SET needs_refetch = 1 WHERE entity = ? AND needs_refetch = 0")
            row.bind(1, entity)
            try row.run()
            return database.changesCount
        }
    }

    func declare(_ gap: Gap) throws(StoreError) -> Gap {
        try guarded { () throws(StoreError) in
            let count = try statement("SELECT count(*) FROM gaps WHERE position = ?")
            count.bind(1, gap.position.rawValue)
            var declared = gap
            declared.ordinal = try count.step() ? Int(count.integer(0)) : 0
            count.reset()
            let row = try statement(
                """
                INSERT INTO gaps (position, topic, reason, declared_at, checksum)
                VALUES (?1, ?2, ?3, ?4, row_checksum('gaps', ?1, ?2, ?3, ?4))
                """)
            row.bind(1, gap.position.rawValue)
            row.bind(2, gap.topic)
            row.bind(3, gap.reason)
            row.bind(4, gap.declaredAt)
            try row.run()
            return declared
        }
    }

    func setState(_ key: String, to value: [UInt8]?) throws(StoreError) {
        try guarded { () throws(StoreError) in
            guard let value else {
                let row = try statement("DELETE FROM state WHERE key = ?")
                row.bind(1, key)
                return try row.run()
            }
            let row = try statement(
                """
                INSERT INTO state (key, value, checksum) VALUES (?1, ?2, row_checksum('state', ?1, ?2))
                ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum
                """)
            row.bind(1, key)
            row.bind(2, value)
            try row.run()
        }
    }

    func part<T>(_ body: () throws -> T) throws(StoreError) -> Result<T, any Error> {
        let begun = try guarded { () throws(StoreError) in
            try statement("SAVEPOINT part").run()
            return (summary, summaryIsChanged, layouts, layoutsAreChanged)
        }
        var outcome = Result { try body() }
        // A body may have caught what failed: half of it is not kept.
        if case .success = outcome, let failure { outcome = .failure(failure) }
        if case .success = outcome {
            try guarded { () throws(StoreError) in try statement("RELEASE part").run() }
            return outcome
        }
        // After some failures SQLite has ended the whole transaction, and these fail as well.
        failure = nil
        try guarded { () throws(StoreError) in
            try statement("ROLLBACK TO part").run()
            try statement("RELEASE part").run()
        }
        if layoutsAreChanged { tables = [:] }
        (summary, summaryIsChanged, layouts, layoutsAreChanged) = begun
        return outcome
    }

    /// Called once before the commit.
    func flushSummary() throws(StoreError) {
        if let failure { throw failure }
        guard summaryIsChanged, let summary else { return }
        let row = try statement("UPDATE log_summary SET head = ?, trimmed = ?, stored_bytes = ?")
        row.bind(1, summary.head)
        row.bind(2, summary.trimmed)
        row.bind(3, summary.storedBytes)
        try row.run()
    }

    func change(_ changed: LogSummary) {
        summary = changed
        summaryIsChanged = true
    }

    /// Keeps where a replay id stands that no event has (a keepalive's). The first position is kept when it comes again: what
    /// other topics brought in between is then delivered once more instead of not at all.
    func addPlace(_ replayID: ReplayID, topic: String, position: Int64) throws(StoreError) {
        let exists = try statement("SELECT 1 FROM log WHERE replay_key = ? AND topic = ? LIMIT 1")
        exists.bind(1, replayID.key)
        exists.bind(2, topic)
        let isEvent = try exists.step()
        exists.reset()
        if !isEvent {
            let row = try statement(
                """
                INSERT INTO places (replay_key, topic, position, checksum)
                VALUES (?1, ?2, ?3, row_checksum('places', ?1, ?2, ?3)) ON CONFLICT DO NOTHING
                """)
            row.bind(1, replayID.key)
            row.bind(2, topic)
            row.bind(3, position)
            try row.run()
            if database.changesCount > 0 {
                let old = try statement("DELETE FROM places WHERE id <= ?")
                old.bind(1, database.lastInsertedRowID - Int64(SQLiteStore.placesMax))
                try old.run()
            }
        }
    }
}
