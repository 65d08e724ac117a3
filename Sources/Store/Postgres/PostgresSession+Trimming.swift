import ChangeEvents

/// Retention, as in `SQLiteSession`. What is dropped, PostgreSQL's own autovacuum gives back.
extension PostgresSession {
    func trim(olderThan: Int64?, bytesMax: Int?) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            var summary = try loadSummary()
            let (last, bytes) = try lastToDrop(summary, olderThan: olderThan, bytesMax: bytesMax)
            let count = Int(last - summary.trimmed)
            guard count > 0 else { return 0 }
            try keepPlace(ofDropped: last)
            let dropped = try query("DELETE FROM millrace.log WHERE position <= $1") { $0.add(last) }.affectedCount
            guard dropped == count else {
                throw StoreError(
                    code: .corrupt,
                    message:
                        "\(count) events stand at positions \(summary.trimmed + 1) to \(last) by the log's summary, "
                        + "but \(dropped) are there")
            }
            summary.trimmed = last
            summary.storedBytes = summary.head == last ? 0 : max(0, summary.storedBytes - bytes)
            change(summary)
            for sql in [
                "DELETE FROM millrace.places WHERE position < $1", "DELETE FROM millrace.gaps WHERE position < $1",
            ] {
                _ = try query(sql) { $0.add(last) }
            }
            return count
        }
    }

    /// The last position of the prefix to drop, and the bytes of the prefix.
    private func lastToDrop(
        _ summary: SQLiteSession.LogSummary, olderThan: Int64?, bytesMax: Int?
    ) throws(StoreError) -> (last: Int64, bytes: Int64) {
        let result = try query(
            """
            SELECT position, received_at, stored_bytes FROM millrace.log WHERE position > $1 ORDER BY position LIMIT $2
            """
        ) { cells in
            cells.add(summary.trimmed)
            cells.add(Int64(SQLiteStore.trimmedEventsPerTransactionMax))
        }
        var last = summary.trimmed
        var bytes: Int64 = 0
        for row in result.rows {
            let isOld = olderThan.map { row.integer(1) < $0 } ?? false
            let isTooMuch = bytesMax.map { summary.storedBytes - bytes > Int64($0) } ?? false
            guard isOld || isTooMuch else { break }
            last = row.integer(0)
            bytes += row.integer(2)
        }
        return (last, bytes)
    }

    /// A reader that has everything up to the last dropped event has lost nothing: its replay id stays a place.
    private func keepPlace(ofDropped last: Int64) throws(StoreError) {
        let result = try query("SELECT replay_id, topic FROM millrace.log WHERE position = $1") { $0.add(last) }
        guard let row = result.first, let topic = row.text(1) else {
            throw .corruptEvent(last, "it is missing or its topic is not as it was written")
        }
        let key = ReplayID(bytes: row.bytes(0)).key
        _ = try query(
            """
            INSERT INTO millrace.places (replay_key, topic, position, checksum) VALUES ($1, $2, $3, $4)
            ON CONFLICT (replay_key, topic) DO UPDATE SET position = excluded.position, checksum = excluded.checksum
            """
        ) { Self.addPlace(key, topic: topic, position: last, to: &$0) }
    }
}
