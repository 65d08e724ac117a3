import ChangeEvents

/// Everything beside the log.
extension SQLiteSession {
    func schemaJSON(_ id: SchemaID) throws(StoreError) -> String? {
        let row = try statement("SELECT json, checksum = row_checksum('schemas', id, json) FROM schemas WHERE id = ?")
        defer { row.reset() }
        row.bind(1, id.string)
        guard try row.step() else { return nil }
        try row.checkIntact(1, "the stored schema \(id)")
        guard let json = row.text(0) else {
            throw StoreError(code: .corrupt, message: "the stored schema \(id) is not UTF-8")
        }
        return json
    }

    func newestSchemaID(eventName: String) throws(StoreError) -> SchemaID? {
        let row = try statement(
            "SELECT \(LogRow.columns) FROM log WHERE event_name = ? ORDER BY position DESC LIMIT 1")
        defer { row.reset() }
        row.bind(1, eventName)
        return try row.step() ? try LogRow.read(row, names: names).content.event.schemaID : nil
    }

    func cursor(topic: String) throws(StoreError) -> ReplayID? {
        let row = try statement(
            """
            SELECT replay_id, checksum = row_checksum('cursors', topic, replay_id) FROM cursors WHERE topic = ?
            """)
        defer { row.reset() }
        row.bind(1, topic)
        guard try row.step() else { return nil }
        try row.checkIntact(1, "the cursor of \(topic)")
        return ReplayID(bytes: row.bytes(0))
    }

    func record(entity: String, id: RecordID) throws(StoreError) -> StoredRecord? {
        if let layout = layouts[entity] { return try record(in: layout, id: id) }
        let row = try statement("SELECT \(RecordRow.columns) FROM records WHERE entity = ? AND id = ?")
        defer { row.reset() }
        row.bind(1, entity)
        row.bind(2, id.string)
        return try row.step() ? try RecordRow.read(row, names: names) : nil
    }

    func isDeleted(entity: String, id: RecordID) throws(StoreError) -> Bool? {
        if let layout = layouts[entity] { return try isDeleted(in: layout, id: id) }
        return try record(entity: entity, id: id)?.isDeleted
    }

    func standings(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [RecordStanding] {
        guard limit > 0 else { return [] }
        if let layout = layouts[entity] { return try standings(in: layout, after: after, limit: limit) }
        return try untabledRecords(entity: entity, after: after, limit: limit).map { RecordStanding($0) }
    }

    func records(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        guard limit > 0 else { return [] }
        if let layout = layouts[entity] { return try page(layout.pageSQL, of: layout, after: after, limit: limit) }
        return try untabledRecords(entity: entity, after: after, limit: limit)
    }

    /// Of objects without a table: images in one table for all.
    func untabledRecords(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        try untabledPage(
            "SELECT \(RecordRow.columns) FROM records WHERE entity = ? AND id > ? ORDER BY id LIMIT ?", entity: entity,
            after: after, limit: limit)
    }

    private func untabledPage(
        _ sql: String, entity: String, after: RecordID?, limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        let row = try statement(sql)
        defer { row.reset() }
        row.bind(1, entity)
        row.bind(2, after?.string ?? "")
        row.bind(3, Int64(limit))
        var records: [StoredRecord] = []
        while try row.step() { records.append(try RecordRow.read(row, names: names)) }
        return records
    }

    func recordsToRefetch(entity: String, after: RecordID?, limit: Int) throws(StoreError) -> [StoredRecord] {
        guard limit > 0 else { return [] }
        if let layout = layouts[entity] { return try page(layout.refetchSQL, of: layout, after: after, limit: limit) }
        return try untabledPage(
            """
            SELECT \(RecordRow.columns) FROM records WHERE entity = ? AND needs_refetch = 1 AND id > ? ORDER BY id LIMIT ?
            """, entity: entity, after: after, limit: limit)
    }

    func gaps(in positions: ClosedRange<Position>) throws(StoreError) -> [Gap] {
        let row = try statement(
            """
            SELECT topic, position, reason, declared_at,
            checksum = row_checksum('gaps', position, topic, reason, declared_at)
            FROM gaps WHERE position BETWEEN ? AND ? ORDER BY position, id
            """)
        defer { row.reset() }
        row.bind(1, positions.lowerBound.rawValue)
        row.bind(2, positions.upperBound.rawValue)
        var gaps: [Gap] = []
        while try row.step() {
            try row.checkIntact(4, "the gap declared at position \(row.integer(1))")
            guard let topic = row.text(0), let reason = row.text(2) else {
                throw StoreError(code: .corrupt, message: "the gap declared at position \(row.integer(1)) is not UTF-8")
            }
            let position = Position(rawValue: row.integer(1))
            let ordinal = gaps.last.map { $0.position == position ? $0.ordinal + 1 : 0 } ?? 0
            gaps.append(
                Gap(
                    topic: topic, position: position, reason: reason, declaredAt: row.integer(3), ordinal: ordinal))
        }
        return gaps
    }

    func state(_ key: String) throws(StoreError) -> [UInt8]? {
        let row = try statement("SELECT value, checksum = row_checksum('state', key, value) FROM state WHERE key = ?")
        defer { row.reset() }
        row.bind(1, key)
        guard try row.step() else { return nil }
        try row.checkIntact(1, "the state \(key)")
        return Array(row.bytes(0))
    }
}
