import ChangeEvents
import NIOCore

/// One row of `millrace.log`: how an event becomes one, and how one becomes an event again, checked. Columns and checksum are
/// those of `LogRow`; the replay key stands behind them.
enum PostgresLogRow {
    static let columns = "\(LogRow.columns), replay_key"
    static let insertSQL =
        "INSERT INTO millrace.log (\(columns)) VALUES (\((1...19).map { "$\($0)" }.joined(separator: ", ")))"

    /// Answers the bytes that count against retention.
    static func add(_ content: NewEvent, position: Int64, to cells: inout PostgresCells) -> Int64 {
        let event = content.event
        let header = content.routing.map(HeaderCodec.encode)
        let transitions = TransitionCodec.encode(content.transitions)
        let size = Int64(event.payload.readableBytes + (header?.count ?? 0) + (transitions?.count ?? 0))
        cells.add(position)
        cells.add(event.topic)
        cells.add(content.eventName)
        cells.add(event.replayID.bytes)
        cells.add(event.eventID)
        cells.add(event.schemaID.string)
        cells.add(content.receivedAt)
        if let header = content.routing?.header {
            cells.add(header.entityName)
            cells.add(header.changeType.rawValue)
            cells.add(header.commitTimestamp)
            cells.add(header.commitNumber)
            cells.add(header.transactionKey)
            cells.add(Int64(header.sequenceNumber))
        } else {
            for _ in 0..<6 { cells.addNull() }
        }
        if let header { cells.add(header) } else { cells.addNull() }
        if let transitions { cells.add(transitions) } else { cells.addNull() }
        let sum = event.payload.withUnsafeReadableBytes { payload in
            cells.add(payload)
            return checksum(
                position, content, header: header, transitions: transitions, payload: payload, size: size)
        }
        cells.add(size)
        cells.add(sum)
        cells.add(event.replayID.key)
        return size
    }

    private static func checksum(
        _ position: Int64, _ content: NewEvent, header: [UInt8]?, transitions: [UInt8]?,
        payload: UnsafeRawBufferPointer, size: Int64
    ) -> Int64 {
        var sum = Checksum(seed: UInt64(bitPattern: position))
        sum.add(content.event.topic)
        sum.add(content.eventName)
        content.event.replayID.bytes.withUnsafeBytes { sum.add($0) }
        sum.add(content.event.eventID)
        sum.add(content.event.schemaID.string)
        sum.add(content.receivedAt)
        if let header = content.routing?.header {
            sum.add(header.entityName)
            sum.add(header.changeType.rawValue)
            sum.add(header.commitTimestamp)
            sum.add(header.commitNumber)
            sum.add(header.transactionKey)
            sum.add(Int64(header.sequenceNumber))
        } else {
            for _ in 0..<6 { sum.addNull() }
        }
        for bytes in [header, transitions] {
            if let bytes { bytes.withUnsafeBytes { sum.add($0) } } else { sum.addNull() }
        }
        sum.add(payload)
        sum.add(size)
        return sum.stored
    }

    /// Throws `.corrupt`, naming the position, for whatever is not as it was written.
    static func read(_ row: PostgresRow, names: NameCache) throws(StoreError) -> LoggedEvent {
        let arrived = try readEvent(row, names: names)
        let position = arrived.position.rawValue
        guard let eventName = row.name(2, names) else {
            throw .corruptEvent(position, "column 2 is not as it was written")
        }
        var routing: EventRouting?
        var transitions: [RecordTransition] = []
        do throws(ColumnError) {
            if !row.isNull(13) {
                let columns = try routingColumns(row, names)
                routing = try row.withBytes(13) { bytes throws(ColumnError) in
                    try HeaderCodec.decode(bytes, columns: columns, names: names)
                }
            }
            if !row.isNull(14) {
                transitions = try row.withBytes(14) { bytes throws(ColumnError) in
                    try TransitionCodec.decode(bytes, names: names)
                }
            }
        } catch {
            throw .corruptEvent(position, "\(error.message) at byte \(error.offset) of an encoded column")
        }
        return LoggedEvent(
            position: arrived.position,
            content: NewEvent(
                event: arrived.event, eventName: eventName, routing: routing, transitions: transitions,
                receivedAt: arrived.receivedAt))
    }

    /// The event alone. Checked like `read`; header and images are not decoded.
    static func readEvent(_ row: PostgresRow, names: NameCache) throws(StoreError) -> ArrivedEvent {
        let position = row.integer(0)
        try check(row, position, names)
        guard let topic = row.name(1, names), let eventID = row.text(4), let schemaID = row.name(5, names) else {
            throw .corruptEvent(position, "a text is not as it was written")
        }
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(bytes: row.bytes(3)), eventID: eventID, schemaID: SchemaID(schemaID),
            payload: row.withBytes(15) { ByteBuffer(bytes: $0) })
        return ArrivedEvent(position: Position(rawValue: position), event: event, receivedAt: row.integer(6))
    }

    /// Bytes of payload and images of the row.
    static func readBytes(_ row: PostgresRow) -> Int { Int(row.integer(16)) }

    static func payloadBytes(_ row: PostgresRow) -> Int { row.count(15) }

    private static func routingColumns(
        _ row: PostgresRow, _ names: NameCache
    ) throws(ColumnError) -> HeaderCodec.Columns {
        guard let entity = row.name(7, names), let typeName = row.name(8, names), let transactionKey = row.text(11)
        else { throw ColumnError(message: "a routing column is not as it was written", offset: 0) }
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

    private static func check(_ row: PostgresRow, _ position: Int64, _ names: NameCache) throws(StoreError) {
        let hasRouting = !row.isNull(13)
        var sum = Checksum(seed: UInt64(bitPattern: position))
        for column in 1...16 {
            switch column {
            case 7...12 where !hasRouting && row.isNull(column), 13 where !hasRouting, 14 where row.isNull(14):
                sum.addNull()
            case _ where row.isNull(column): throw .corruptEvent(position, "column \(column) is empty")
            case 6, 9, 10, 12, 16: sum.add(row.integer(column))
            case 3, 13, 14, 15: row.withBytes(column) { sum.add($0) }
            default:
                guard let text = row.name(column, names) else {
                    throw .corruptEvent(position, "column \(column) is not as it was written")
                }
                sum.add(text)
            }
        }
        guard row.integer(17) == sum.stored else { throw .corruptEvent(position, "its checksum does not match") }
    }
}

/// One row of `millrace.records`: columns and checksum are those of `RecordRow`.
enum PostgresRecordRow {
    static let upsertSQL = """
        INSERT INTO millrace.records (\(RecordRow.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (entity, id) DO UPDATE SET is_deleted = excluded.is_deleted, needs_refetch = excluded.needs_refetch,
        commit_timestamp = excluded.commit_timestamp, checksum = excluded.checksum, image = excluded.image
        """

    static func cells(_ record: StoredRecord) -> PostgresCells {
        let image = ImageCodec.encode(record.image)
        var cells = PostgresCells(reserving: image.count + 80)
        cells.add(record.image.entity)
        cells.add(record.image.id)
        cells.add(record.isDeleted)
        cells.add(record.needsRefetch)
        cells.add(record.commitTimestamp)
        cells.add(
            image.withUnsafeBytes {
                RecordRow.checksum($0, isDeleted: record.isDeleted, commitTimestamp: record.commitTimestamp)
            })
        cells.add(image)
        return cells
    }

    static func read(_ row: PostgresRow, names: NameCache) throws(StoreError) -> StoredRecord {
        guard let entity = row.name(0, names), let id = row.text(1) else {
            throw StoreError(code: .corrupt, message: "a row of the records is not as it was written")
        }
        let (isDeleted, commitTimestamp) = (row.boolean(2), row.integer(4))
        let sum = row.withBytes(6) { RecordRow.checksum($0, isDeleted: isDeleted, commitTimestamp: commitTimestamp) }
        guard row.integer(5) == sum else { throw .corruptRecord(entity, id, "its checksum does not match") }
        let image: RecordImage
        do throws(ColumnError) {
            image = try row.withBytes(6) { bytes throws(ColumnError) in try ImageCodec.decode(bytes, names: names) }
        } catch {
            throw .corruptRecord(entity, id, "\(error.message) at byte \(error.offset) of its image")
        }
        guard image.entity == entity, image.id.string == id else {
            throw .corruptRecord(entity, id, "its image is that of \(image.entity) \(image.id)")
        }
        return StoredRecord(
            image: image, isDeleted: isDeleted, commitTimestamp: commitTimestamp, needsRefetch: row.boolean(3))
    }
}
