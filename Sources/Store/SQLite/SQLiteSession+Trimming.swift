import ChangeEvents
import GRDB

/// Retention: drops a prefix of the log, a bounded number of events per transaction.
extension SQLiteSession {
    func trim(olderThan: Int64?, bytesMax: Int?) throws(StoreError) -> Int {
        try guarded { () throws(StoreError) in
            var summary = try loadSummary()
            let (last, bytes) = try lastToDrop(summary, olderThan: olderThan, bytesMax: bytesMax)
            let count = Int(last - summary.trimmed)
            if count > 0 {
                try keepPlace(ofDropped: last)
                let row = try statement("DELETE FROM log WHERE position <= ?")
                row.bind(1, last)
                try row.run()
                guard database.changesCount == count else {
                    throw StoreError(
                        code: .corrupt,
                        message:
                            "\(count) events stand at positions \(summary.trimmed + 1) to \(last) by the log's summary, "
                            + "but \(database.changesCount) are there")
                }
                summary.trimmed = last
                summary.storedBytes = summary.head == last ? 0 : max(0, summary.storedBytes - bytes)
                change(summary)
                try dropWhatPointsBefore(last)
            }
            try returnFreePages()
            return count
        }
    }

    /// The last position of the prefix to drop, and the bytes of the prefix.
    private func lastToDrop(
        _ summary: LogSummary, olderThan: Int64?, bytesMax: Int?
    ) throws(StoreError) -> (last: Int64, bytes: Int64) {
        let row = try statement(
            "SELECT position, received_at, stored_bytes FROM log WHERE position > ? ORDER BY position LIMIT ?")
        defer { row.reset() }
        row.bind(1, summary.trimmed)
        row.bind(2, Int64(SQLiteStore.trimmedEventsPerTransactionMax))
        var last = summary.trimmed
        var bytes: Int64 = 0
        while try row.step() {
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
        let row = try statement("SELECT replay_id, topic FROM log WHERE position = ?")
        row.bind(1, last)
        guard try row.step(), let topic = row.text(1) else {
            row.reset()
            throw .corruptEvent(last, "it is missing or its topic is not UTF-8")
        }
        let key = ReplayID(bytes: row.bytes(0)).key
        row.reset()
        let place = try statement(
            """
            INSERT INTO places (replay_key, topic, position, checksum)
            VALUES (?1, ?2, ?3, row_checksum('places', ?1, ?2, ?3))
            ON CONFLICT (replay_key, topic) DO UPDATE SET position = excluded.position, checksum = excluded.checksum
            """)
        place.bind(1, key)
        place.bind(2, topic)
        place.bind(3, last)
        try place.run()
    }

    private func dropWhatPointsBefore(_ last: Int64) throws(StoreError) {
        for sql in ["DELETE FROM places WHERE position < ?", "DELETE FROM gaps WHERE position < ?"] {
            let row = try statement(sql)
            row.bind(1, last)
            try row.run()
        }
    }

    /// Gives free pages back to the file system when they are many. A few are left to be written again: shrinking a file that
    /// grows again at once is work for nothing.
    private func returnFreePages() throws(StoreError) {
        let free = try pragma("freelist_count")
        let all = try pragma("page_count")
        guard free > SQLiteStore.freePagesKept, free * 100 > all * SQLiteStore.freePagesKeptPercent else { return }
        let pages = min(free - SQLiteStore.freePagesKept, SQLiteStore.freePagesReturnedPerTransactionMax)
        // Stepped to its end: each step of this pragma gives one page back.
        try statement("PRAGMA incremental_vacuum(\(pages))").run()
    }

    private func pragma(_ name: String) throws(StoreError) -> Int64 {
        let row = try statement("PRAGMA \(name)")
        defer { row.reset() }
        guard try row.step() else { throw StoreError(code: .database, message: "PRAGMA \(name) answers nothing") }
        return row.integer(0)
    }
}
