import ChangeEvents

/// A transaction of one session of the server: the reader for `PostgresStore.read`, and with `PostgresSession+Writing` the
/// writer.
///
/// Made for one body and gone after it; lives on one thread. Remembers the first failure, so that a body which catches an
/// error half-way cannot commit the half that worked.
final class PostgresSession: StoreReader {
    let connection: PostgresConnection
    /// Of the process that may write; nil in a read.
    let epoch: Int64?
    /// Of columns that it makes.
    let timestamps: PostgresStore.TimestampType
    /// Loaded at first use; written back by `flushSummary` when changed.
    var summary: SQLiteSession.LogSummary?
    var summaryIsChanged = false
    /// Number of the transaction on the server, once it is known. What is asked about after a lost commit.
    private(set) var transactionNumber: Int64?
    /// Whether anything was sent that changes the database.
    var hasWritten = false
    var failure: StoreError?
    /// Parts begun so far: each has a savepoint of its own name.
    var parts = 0
    /// Selects under way, each with a cursor of its own name.
    var cursors = 0
    let names = NameCache()
    /// Tables of objects by API name, as this transaction sees them.
    var layouts: [String: PostgresLayout]
    var layoutsAreChanged = false

    init(
        _ connection: PostgresConnection, layouts: [String: PostgresLayout], epoch: Int64? = nil,
        timestamps: PostgresStore.TimestampType = .withTimeZone
    ) {
        self.connection = connection
        self.timestamps = timestamps
        self.layouts = layouts
        self.epoch = epoch
    }

    func query(_ sql: String, _ fill: (inout PostgresCells) -> Void = { _ in }) throws(StoreError) -> PostgresResult {
        var cells = PostgresCells()
        fill(&cells)
        return try answered { () throws(StoreError) in try connection.query(sql, cells) }
    }

    /// Runs a statement that is not kept prepared.
    @discardableResult
    func run(
        _ sql: String, _ cells: PostgresCells = PostgresCells(), types: [UInt32] = []
    ) throws(StoreError) -> PostgresResult {
        try answered { () throws(StoreError) in try connection.query(unprepared: sql, cells, types: types) }
    }

    /// A failure that comes to light may be that of a statement that was queued long before: in a write it is remembered,
    /// whoever has waited.
    func answered<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        if let failure { throw failure }
        if let watch = connection.watch, watch.mustEnd {
            throw StoreError(code: .timedOut, message: "the read is no longer wanted")
        }
        do throws(StoreError) {
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    /// A writer locks the row, and makes sure with it that no other process has become the writer.
    func loadSummary() throws(StoreError) -> SQLiteSession.LogSummary {
        if let summary { return summary }
        let columns = "head, trimmed, stored_bytes, epoch"
        let result = try query(
            epoch == nil
                ? "SELECT \(columns) FROM millrace.log_summary"
                : "SELECT \(columns), pg_current_xact_id()::text::bigint FROM millrace.log_summary FOR UPDATE")
        guard let row = result.first else {
            throw StoreError(code: .corrupt, message: "the log has lost its summary row")
        }
        if let epoch {
            guard row.integer(3) == epoch else { throw .superseded(connection.address) }
            transactionNumber = row.integer(4)
        }
        let loaded = SQLiteSession.LogSummary(
            head: row.integer(0), trimmed: row.integer(1), storedBytes: row.integer(2))
        guard loaded.trimmed >= 0, loaded.head >= loaded.trimmed, loaded.storedBytes >= 0 else {
            throw StoreError(code: .corrupt, message: "the log's summary row is damaged")
        }
        summary = loaded
        return loaded
    }

    /// Runs a step of a write and remembers its failure.
    func guarded<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        if let failure { throw failure }
        hasWritten = true
        do throws(StoreError) {
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    // The log.

    func head() throws(StoreError) -> Position { Position(rawValue: try loadSummary().head) }

    func oldest() throws(StoreError) -> Position? {
        let summary = try loadSummary()
        return summary.head > summary.trimmed ? Position(rawValue: summary.trimmed + 1) : nil
    }

    func events(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [LoggedEvent] {
        let names = self.names
        return try walk(
            after: after, selection: selection, limit: limit, bytesMax: bytesMax, size: PostgresLogRow.readBytes
        ) { row throws(StoreError) in
            let event = try PostgresLogRow.read(row, names: names)
            return (event.position, event)
        }
    }

    func receivedEvents(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [ArrivedEvent] {
        let names = self.names
        return try walk(
            after: after, selection: selection, limit: limit, bytesMax: bytesMax, size: PostgresLogRow.payloadBytes
        ) { row throws(StoreError) in
            let event = try PostgresLogRow.readEvent(row, names: names)
            return (event.position, event)
        }
    }

    /// Rows of one answer of the server: at first, then at most. What is asked for is held in memory whole, so it follows the
    /// bytes that are still wanted.
    private static let rowsAtFirst = 32
    private static let rowsMax = 1_000

    private func walk<Event>(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int, size: (PostgresRow) -> Int,
        read: (PostgresRow) throws(StoreError) -> (Position, Event)
    ) throws(StoreError) -> [Event] {
        guard limit > 0 else { return [] }
        let (condition, selected): (String, [String]?) =
            switch selection {
            case .all: ("", nil)
            case .topics(let topics): ("AND topic = ANY($3)", topics.sorted())
            case .eventNames(let names): ("AND event_name = ANY($3)", names.sorted())
            }
        if let selected, selected.isEmpty { return [] }
        let sql =
            "SELECT \(LogRow.columns) FROM millrace.log WHERE position > $1 \(condition) ORDER BY position LIMIT $2"
        let summary = try loadSummary()
        // What the next position must be, where every event is selected.
        var expected = max(after.rawValue, summary.trimmed) + 1
        var last = after.rawValue
        var events: [Event] = []
        var bytes = 0
        var rowCount = min(limit, Self.rowsAtFirst)
        while true {
            let result = try query(sql) { cells in
                cells.add(last)
                cells.add(Int64(rowCount))
                if let selected { cells.add(selected) }
            }
            for row in result.rows {
                bytes += size(row)
                if bytes > bytesMax, !events.isEmpty { return events }
                let (position, event) = try read(row)
                if selected == nil, position.rawValue != expected { throw .corruptEvent(expected, "it is missing") }
                expected = position.rawValue + 1
                last = position.rawValue
                events.append(event)
            }
            if events.count >= limit { return events }
            guard result.rowCount == rowCount else { break }
            let fitting = (bytesMax - bytes) / max(1, bytes / events.count) + 1
            rowCount = max(1, min(limit - events.count, fitting, Self.rowsMax))
        }
        if selected == nil, expected <= summary.head { throw .corruptEvent(expected, "it is missing") }
        return events
    }

    func events(withReplayIDs replayIDs: [ReplayID], topic: String) throws(StoreError) -> [LoggedEvent] {
        let result = try query(
            "SELECT \(LogRow.columns) FROM millrace.log WHERE replay_key = ANY($1::bytea[]) AND topic = $2 ORDER BY position"
        ) { cells in
            cells.add(replayIDs.map(\.key))
            cells.add(topic)
        }
        var events: [LoggedEvent] = []
        for row in result.rows { events.append(try PostgresLogRow.read(row, names: names)) }
        return events
    }

    func place(of replayID: ReplayID, topic: String?) throws(StoreError) -> ReplayPlace {
        if let position = try positionOfEvent(replayID, topic: topic) { return .after(Position(rawValue: position)) }
        let result = try query(
            """
            SELECT position, topic, checksum FROM millrace.places
            WHERE replay_key = $1 AND ($2::text IS NULL OR topic = $2) ORDER BY position LIMIT 1
            """
        ) { Self.add(replayID, topic, to: &$0) }
        guard let row = result.first else { return .unknown }
        let position = row.integer(0)
        let found = try StoreError.checked(row.text(1), "the place of replay id \(replayID)")
        try StoreError.checkIntact(
            row.integer(2), PostgresRowChecksum.place(replayID.key, topic: found, position),
            "the place of replay id \(replayID)")
        guard position >= (try loadSummary().trimmed) else { return .unknown }
        return .after(Position(rawValue: position))
    }

    private static func add(_ replayID: ReplayID, _ topic: String?, to cells: inout PostgresCells) {
        cells.add(replayID.key)
        if let topic { cells.add(topic) } else { cells.addNull() }
    }

    /// The newest event with this replay id, or the first of its transaction that shares it, as in `SQLiteSession`.
    private func positionOfEvent(_ replayID: ReplayID, topic: String?) throws(StoreError) -> Int64? {
        let result = try query(
            """
            SELECT position, transaction_key FROM millrace.log
            WHERE replay_key = $1 AND ($2::text IS NULL OR topic = $2) ORDER BY position DESC
            """
        ) { Self.add(replayID, topic, to: &$0) }
        guard let newest = result.first else { return nil }
        var position = newest.integer(0)
        guard !newest.isNull(1) else { return position }
        let transactionKey = newest.bytes(1)
        for row in result.rows.dropFirst() {
            guard !row.isNull(1), row.bytes(1) == transactionKey else { break }
            position = row.integer(0)
        }
        return position
    }
}
