import ChangeEvents
import NIOCore

/// One row of `log`: its columns, how an event becomes one, and how one becomes an event again, checked.
enum LogRow {
    /// The columns in the order of `insertSQL`, `columns` and the checksum.
    static let columns = """
        position, topic, event_name, replay_id, event_id, schema_id, received_at, entity, change_type, commit_timestamp, \
        commit_number, transaction_key, sequence_number, header, transitions, payload, stored_bytes, checksum
        """
    static let insertSQL =
        "INSERT INTO log (\(columns)) VALUES (\(Array(repeating: "?", count: 18).joined(separator: ", ")))"

    /// Answers the bytes that count against retention.
    static func bind(_ content: NewEvent, position: Int64, to statement: SQLiteStatement) -> Int64 {
        let event = content.event
        var sum = Checksum(seed: UInt64(bitPattern: position))
        func text(_ index: Int32, _ value: String) {
            statement.bind(index, value)
            sum.add(value)
        }
        func number(_ index: Int32, _ value: Int64) {
            statement.bind(index, value)
            sum.add(value)
        }
        func blob(_ index: Int32, _ bytes: [UInt8]?) -> Int {
            guard let bytes else {
                statement.bindNull(index)
                sum.addNull()
                return 0
            }
            bytes.withUnsafeBytes {
                statement.bind(index, $0)
                sum.add($0)
            }
            return bytes.count
        }
        statement.bind(1, position)
        text(2, event.topic)
        text(3, content.eventName)
        _ = blob(4, event.replayID.bytes)
        text(5, event.eventID)
        text(6, event.schemaID.string)
        number(7, content.receivedAt)
        if let header = content.routing?.header {
            text(8, header.entityName)
            text(9, header.changeType.rawValue)
            number(10, header.commitTimestamp)
            number(11, header.commitNumber)
            text(12, header.transactionKey)
            number(13, Int64(header.sequenceNumber))
        } else {
            for index in Int32(8)...13 {
                statement.bindNull(index)
                sum.addNull()
            }
        }
        var size = blob(14, content.routing.map(HeaderCodec.encode))
        size += blob(15, TransitionCodec.encode(content.transitions))
        event.payload.withUnsafeReadableBytes {
            statement.bind(16, $0)
            sum.add($0)
        }
        size += event.payload.readableBytes
        number(17, Int64(size))
        statement.bind(18, sum.stored)
        return Int64(size)
    }

    /// Reads the row the statement stands on. Throws `.corrupt`, naming the position, for whatever is not as it was written.
    static func read(_ row: SQLiteStatement, names: NameCache) throws(StoreError) -> LoggedEvent {
        let position = row.integer(0)
        try check(row, position)
        let topic = try checked(row.name(1, names), 1, position)
        let eventName = try checked(row.name(2, names), 2, position)
        let eventID = try checked(row.text(4), 4, position)
        let schemaID = try checked(row.name(5, names), 5, position)
        var routing: EventRouting?
        var transitions: [RecordTransition] = []
        do throws(ColumnError) {
            if !row.isNull(13) {
                routing = try HeaderCodec.decode(row.bytes(13), columns: try routingColumns(row, names), names: names)
            }
            if !row.isNull(14) { transitions = try TransitionCodec.decode(row.bytes(14), names: names) }
        } catch {
            throw .corruptEvent(position, "\(error.message) at byte \(error.offset) of an encoded column")
        }
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(bytes: row.bytes(3)), eventID: eventID, schemaID: SchemaID(schemaID),
            payload: ByteBuffer(bytes: row.bytes(15)))
        return LoggedEvent(
            position: Position(rawValue: position),
            content: NewEvent(
                event: event, eventName: eventName, routing: routing, transitions: transitions,
                receivedAt: row.integer(6)))
    }

    /// The event alone. Checked like `read`; header and images are not decoded.
    static func readEvent(_ row: SQLiteStatement, names: NameCache) throws(StoreError) -> ArrivedEvent {
        let position = row.integer(0)
        try check(row, position)
        let topic = try checked(row.name(1, names), 1, position)
        let eventID = try checked(row.text(4), 4, position)
        let schemaID = try checked(row.name(5, names), 5, position)
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(bytes: row.bytes(3)), eventID: eventID, schemaID: SchemaID(schemaID),
            payload: ByteBuffer(bytes: row.bytes(15)))
        return ArrivedEvent(
            position: Position(rawValue: position), event: event, receivedAt: row.integer(6))
    }

    /// Bytes of payload and images of the row, without reading them.
    static func readBytes(_ row: SQLiteStatement) -> Int { Int(row.integer(16)) }

    /// Bytes of the payload alone.
    static func payloadBytes(_ row: SQLiteStatement) -> Int { row.bytes(15).count }

    private static func routingColumns(
        _ row: SQLiteStatement, _ names: NameCache
    ) throws(ColumnError) -> HeaderCodec.Columns {
        guard let entity = row.name(7, names), let typeName = row.name(8, names), let transactionKey = row.text(11)
        else {
            throw ColumnError(message: "a routing column is not UTF-8", offset: 0)
        }
        guard let changeType = ChangeType(rawValue: typeName) else {
            throw ColumnError(message: "unknown change type", offset: 0)
        }
        guard let sequenceNumber = Int32(exactly: row.integer(12)) else {
            throw ColumnError(message: "sequence number out of range", offset: 0)
        }
        return HeaderCodec.Columns(
            entityName: entity, changeType: changeType, commitTimestamp: row.integer(9), commitNumber: row.integer(10),
            transactionKey: transactionKey, sequenceNumber: sequenceNumber)
    }

    private static func checked(_ text: String?, _ column: Int32, _ position: Int64) throws(StoreError) -> String {
        guard let text else { throw .corruptEvent(position, "column \(column) is not UTF-8") }
        return text
    }

    /// Types first (the shape), then the checksum over all columns.
    private static func check(_ row: SQLiteStatement, _ position: Int64) throws(StoreError) {
        let hasRouting = !row.isNull(13)
        var sum = Checksum(seed: UInt64(bitPattern: position))
        for column in Int32(1)...16 {
            let kind: Kind =
                switch column {
                case 3, 15: .blob
                case 13, 14: row.isNull(column) ? .null : .blob
                case 6, 16: .integer
                case 7...12 where !hasRouting: .null
                case 9, 10, 12: .integer
                default: .text
                }
            switch kind {
            case .null where row.isNull(column): sum.addNull()
            case .integer where row.isInteger(column): sum.add(row.integer(column))
            case .text where row.isText(column), .blob where row.isBlob(column): sum.add(row.bytes(column))
            default: throw .corruptEvent(position, "column \(column) has another type than was written")
            }
        }
        guard row.isInteger(17), row.integer(17) == sum.stored else {
            throw .corruptEvent(position, "its checksum does not match")
        }
    }

    private enum Kind { case null, integer, text, blob }
}
