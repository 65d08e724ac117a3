package import NIOCore

/// JSON of values in memory, as CometD shows them: what a door composes where no Avro payload says the same (the whole record,
/// a record that left a view). Each call appends one piece; commas and braces are the caller's.
extension ByteBuffer {
    /// A string, quoted and escaped.
    package mutating func writeJSON(string text: String) {
        writeJSON(likelyBytes: text.utf8.count + 32) { $0.string(text) }
    }

    /// An array of strings.
    package mutating func writeJSON(strings texts: [String]) {
        writeJSON(likelyBytes: 32 * (texts.count + 1)) { $0.strings(texts) }
    }

    /// A field's value; the same bytes as `EventSchema.writeJSON` writes for it.
    package mutating func writeJSON(value: FieldValue) {
        let likelyBytes = if case .string(let text) = value { text.utf8.count + 32 } else { 64 }
        writeJSON(likelyBytes: likelyBytes) { $0.value(value) }
    }

    /// The member `"ChangeEventHeader":{…}` as CometD has it: names in `changedFields`, not the header's bitmaps.
    package mutating func writeJSON(header: ChangeEventHeader, recordIDs: [String], changedFields: [String]) {
        writeJSON(likelyBytes: 1024) { $0.header(header, recordIDs: recordIDs, changedFields: changedFields) }
    }

    /// Appends what `body` writes, beginning again with more memory as long as it does not fit. The values are in memory
    /// already, so their JSON has no other bound than a few times their size.
    private mutating func writeJSON(likelyBytes: Int, _ body: (inout JSONWriter) -> Void) {
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

extension JSONWriter {
    fileprivate mutating func header(_ header: ChangeEventHeader, recordIDs: [String], changedFields: [String]) {
        raw("\"ChangeEventHeader\":{\"entityName\":")
        string(header.entityName)
        raw(",\"recordIds\":")
        strings(recordIDs)
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
