import ChangeEvents
import GRDB

/// A transaction on one connection: the reader for `SQLiteStore.read`, and with `SQLiteSession+Writing` the writer.
///
/// Made for one body and gone after it; lives on the connection's queue. Remembers the first failure, so that a body which
/// catches an error half-way cannot commit the half that worked.
final class SQLiteSession: StoreReader {
    let database: Database
    /// Loaded at first use; written back by `flushSummary` when changed.
    var summary: LogSummary?
    var summaryIsChanged = false
    var failure: StoreError?
    let names = NameCache()
    /// Tables of objects by API name, as this transaction sees them.
    var layouts: [String: TableLayout]
    var layoutsAreChanged = false
    let admission: StatementAdmission?
    /// By layout: a table that is changed has another one.
    var tables: [ObjectIdentifier: TableStatements] = [:]

    init(_ database: Database, layouts: [String: TableLayout], admission: StatementAdmission? = nil) {
        self.database = database
        self.layouts = layouts
        self.admission = admission
    }

    /// Counters of the log. Positions `trimmed + 1 ... head` are retained, without a hole.
    struct LogSummary {
        var head: Int64
        var trimmed: Int64
        var storedBytes: Int64
    }

    func loadSummary() throws(StoreError) -> LogSummary {
        if let summary { return summary }
        let row = try statement("SELECT head, trimmed, stored_bytes FROM log_summary")
        defer { row.reset() }
        guard try row.step() else { throw StoreError(code: .corrupt, message: "the log has lost its summary row") }
        let loaded = LogSummary(head: row.integer(0), trimmed: row.integer(1), storedBytes: row.integer(2))
        guard loaded.trimmed >= 0, loaded.head >= loaded.trimmed, loaded.storedBytes >= 0 else {
            throw StoreError(code: .corrupt, message: "the log's summary row is damaged")
        }
        summary = loaded
        return loaded
    }

    func statement(_ sql: String) throws(StoreError) -> SQLiteStatement { try SQLiteStatement(database, sql) }

    /// Runs a step of a write and remembers its failure.
    func guarded<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        if let failure { throw failure }
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
            after: after, selection: selection, limit: limit, bytesMax: bytesMax, size: LogRow.readBytes
        ) { row throws(StoreError) in
            let event = try LogRow.read(row, names: names)
            return (event.position, event)
        }
    }

    func receivedEvents(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int
    ) throws(StoreError) -> [ArrivedEvent] {
        let names = self.names
        return try walk(
            after: after, selection: selection, limit: limit, bytesMax: bytesMax, size: LogRow.payloadBytes
        ) { row throws(StoreError) in
            let event = try LogRow.readEvent(row, names: names)
            return (event.position, event)
        }
    }

    private func walk<Event>(
        after: Position, selection: EventSelection, limit: Int, bytesMax: Int, size: (SQLiteStatement) -> Int,
        read: (SQLiteStatement) throws(StoreError) -> (Position, Event)
    ) throws(StoreError) -> [Event] {
        guard limit > 0 else { return [] }
        let (row, isWhole) = try select(selection, after: after, limit: limit)
        guard let row else { return [] }
        defer { row.reset() }
        let summary = try loadSummary()
        // What the next position must be, where every event is selected.
        var expected = max(after.rawValue, summary.trimmed) + 1
        var events: [Event] = []
        events.reserveCapacity(min(limit, 256))
        var bytes = 0
        while try row.step() {
            bytes += size(row)
            if bytes > bytesMax, !events.isEmpty { return events }
            let (position, event) = try read(row)
            if isWhole, position.rawValue != expected { throw .corruptEvent(expected, "it is missing") }
            expected = position.rawValue + 1
            events.append(event)
        }
        if isWhole, events.count < limit, expected <= summary.head { throw .corruptEvent(expected, "it is missing") }
        return events
    }

    private func select(
        _ selection: EventSelection, after: Position, limit: Int
    ) throws(StoreError) -> (row: SQLiteStatement?, isWhole: Bool) {
        // A unary plus keeps SQLite from an index that would have it sort all matches before the first comes out.
        let (condition, names): (String, [String]) =
            switch selection {
            case .all: ("", [])
            case .topics(let topics): ("AND +topic IN", topics.sorted())
            case .eventNames(let names) where names.count == 1: ("AND event_name IN", names.sorted())
            case .eventNames(let names): ("AND +event_name IN", names.sorted())
            }
        if names.isEmpty, selection != .all { return (nil, false) }
        let marks = names.isEmpty ? "" : "(\(names.map { _ in "?" }.joined(separator: ", ")))"
        let row = try statement(
            "SELECT \(LogRow.columns) FROM log WHERE position > ? \(condition) \(marks) ORDER BY position LIMIT ?")
        row.bind(1, after.rawValue)
        for (index, name) in names.enumerated() { row.bind(Int32(index + 2), name) }
        row.bind(Int32(names.count + 2), Int64(limit))
        return (row, selection == .all)
    }

    func events(withReplayIDs replayIDs: [ReplayID], topic: String) throws(StoreError) -> [LoggedEvent] {
        let row = try statement(
            "SELECT \(LogRow.columns) FROM log WHERE replay_key = ? AND topic = ? ORDER BY position")
        defer { row.reset() }
        var events: [LoggedEvent] = []
        for key in Set(replayIDs.map(\.key)) {
            row.bind(1, key)
            row.bind(2, topic)
            while try row.step() { events.append(try LogRow.read(row, names: names)) }
            row.reset()
        }
        return replayIDs.count > 1 ? events.sorted { $0.position < $1.position } : events
    }

    func place(of replayID: ReplayID, topic: String?) throws(StoreError) -> ReplayPlace {
        if let position = try positionOfEvent(replayID, topic: topic) { return .after(Position(rawValue: position)) }
        let row = try statement(
            """
            SELECT position, checksum = row_checksum('places', replay_key, topic, position) FROM places
            WHERE replay_key = ?1 AND (?2 IS NULL OR topic = ?2) ORDER BY position LIMIT 1
            """)
        defer { row.reset() }
        row.bind(1, replayID.key)
        if let topic { row.bind(2, topic) } else { row.bindNull(2) }
        guard try row.step() else { return .unknown }
        try row.checkIntact(1, "the place of replay id \(replayID)")
        let position = row.integer(0)
        guard position >= (try loadSummary().trimmed) else { return .unknown }
        return .after(Position(rawValue: position))
    }

    /// The newest event with this replay id, or the first of its transaction that shares it. (A replay id may come again years
    /// later, after a migration of the org: the newest is meant then.)
    private func positionOfEvent(_ replayID: ReplayID, topic: String?) throws(StoreError) -> Int64? {
        let row = try statement(
            """
            SELECT position, transaction_key FROM log
            WHERE replay_key = ?1 AND (?2 IS NULL OR topic = ?2) ORDER BY position DESC
            """)
        defer { row.reset() }
        row.bind(1, replayID.key)
        if let topic { row.bind(2, topic) } else { row.bindNull(2) }
        guard try row.step() else { return nil }
        var position = row.integer(0)
        let transactionKey = row.text(1)
        while transactionKey != nil, try row.step(), row.text(1) == transactionKey { position = row.integer(0) }
        return position
    }
}
