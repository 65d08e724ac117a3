import ChangeEvents

/// The parts of the routing fields that have no column of their own: record ids, origin, user, bitmaps and the names of the
/// changed fields.
///
/// Format 1: `version, record ids, origin, user, nulled, diff and changed bitmaps, changed names`.
enum HeaderCodec {
    static let version: UInt8 = 1

    /// What the columns of the row say already.
    struct Columns {
        var entityName: String
        var changeType: ChangeType
        var commitTimestamp: Int64
        var commitNumber: Int64
        var transactionKey: String
        var sequenceNumber: Int32
    }

    static func encode(_ routing: EventRouting) -> [UInt8] {
        let header = routing.header
        var writer = ColumnWriter(reserving: 160)
        writer.write(byte: version)
        writer.write(strings: header.recordIDs)
        writer.write(string: header.changeOrigin)
        writer.write(string: header.commitUser)
        writer.write(strings: header.nulledFields)
        writer.write(strings: header.diffFields)
        writer.write(strings: header.changedFields)
        writer.write(strings: routing.changedFields)
        return writer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer, columns: Columns, names: NameCache
    ) throws(ColumnError) -> EventRouting {
        var reader = ColumnReader(bytes, names: names)
        try ImageCodec.checkVersion(&reader, version)
        let recordIDs = try reader.readStrings()
        let origin = try reader.readName()
        let user = try reader.readName()
        let nulled = try reader.readNames()
        let diff = try reader.readNames()
        let changed = try reader.readNames()
        let changedNames = try reader.readNames()
        try reader.finish()
        return EventRouting(
            header: ChangeEventHeader(
                entityName: columns.entityName, recordIDs: recordIDs, changeType: columns.changeType,
                changeOrigin: origin,
                transactionKey: columns.transactionKey, sequenceNumber: columns.sequenceNumber,
                commitTimestamp: columns.commitTimestamp, commitNumber: columns.commitNumber, commitUser: user,
                nulledFields: nulled, diffFields: diff, changedFields: changed),
            changedFields: changedNames)
    }
}
