public import NIOCore

/// Writes event payloads as JSON from values in memory: what the push protocol's `form: "record"` and `left` need, where
/// there is no Avro payload that says the same. Stateless; any thread.
public enum EventJSON {
    /// Writes `{"ChangeEventHeader":{…},"Status":"New",…}`: the header as CometD has it, with `changedFields` instead of
    /// the header's bitmaps, and every value by its flat name, nulls included, in the order of the names.
    ///
    /// `changedFields` are names as `ChangeEvent.changedFields` has them; they are written flat (`ShippingStreet`), since
    /// the values are. Names that `mask` does not hold appear neither there nor in the body. `recordIDs` replaces the
    /// header's.
    public static func write(
        header: ChangeEventHeader, changedFields: [String], recordIDs: [String]?, values: [String: FieldValue],
        mask: EventSchema.Mask, into buffer: inout ByteBuffer
    ) {
        let names = changedFields.map(FieldNaming.flatName(of:)).filter(mask.allows)
        let values = values.filter { mask.allows($0.key) }.sorted { $0.key < $1.key }
        buffer.writeJSON(likelyBytes: 1024 + values.count * 48) { writer in
            writer.header(header, changedFields: names, recordIDs: recordIDs)
            for (name, value) in values {
                writer.byte(UInt8(ascii: ","))
                writer.string(name)
                writer.byte(UInt8(ascii: ":"))
                writer.value(value)
            }
            writer.byte(UInt8(ascii: "}"))
        }
    }

    /// Writes `{"ChangeEventHeader":{…}}` with empty `changedFields` and no values: a record left a view, and nothing of
    /// it may be told any more.
    public static func writeLeft(header: ChangeEventHeader, recordIDs: [String]?, into buffer: inout ByteBuffer) {
        buffer.writeJSON(likelyBytes: 1024) { writer in
            writer.header(header, changedFields: [], recordIDs: recordIDs)
            writer.byte(UInt8(ascii: "}"))
        }
    }
}

extension JSONWriter {
    /// `{"ChangeEventHeader":{…}`, the object left open.
    fileprivate mutating func header(_ header: ChangeEventHeader, changedFields: [String], recordIDs: [String]?) {
        raw("{\"ChangeEventHeader\":{\"entityName\":")
        string(header.entityName)
        raw(",\"recordIds\":")
        strings(recordIDs ?? header.recordIDs)
        raw(",\"changeType\":")
        string(header.changeType.rawValue)
        raw(",\"changeOrigin\":")
        string(header.changeOrigin)
        raw(",\"transactionKey\":")
        string(header.transactionKey)
        raw(",\"sequenceNumber\":")
        integer(Int64(header.sequenceNumber))
        raw(",\"commitTimestamp\":")
        integer(header.commitTimestamp)
        raw(",\"commitNumber\":")
        integer(header.commitNumber)
        raw(",\"commitUser\":")
        string(header.commitUser)
        raw(",\"changedFields\":")
        strings(changedFields)
        raw("}")
    }

    /// A value as CometD shows it.
    fileprivate mutating func value(_ value: FieldValue) {
        switch value {
        case .null: raw("null")
        case .boolean(let flag): boolean(flag)
        case .integer(let number): integer(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .date(let milliseconds): date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): time(milliseconds: milliseconds)
        case .list(let texts): strings(texts)
        }
    }
}

extension ByteBuffer {
    /// Appends what `body` writes, beginning again with more memory as long as it does not fit. The values are in memory
    /// already, so their JSON has no other bound than a few times their size.
    fileprivate mutating func writeJSON(likelyBytes: Int, _ body: (inout JSONWriter) -> Void) {
        var capacity = likelyBytes
        var isWritten = false
        while !isWritten {
            writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { output in
                var writer = JSONWriter(output)
                body(&writer)
                isWritten = !writer.isOverflown
                return isWritten ? writer.count : 0
            }
            capacity = Swift.max(capacity, writableBytes) * 4
        }
    }
}
