public import NIOCore

extension EventSchema {
    /// Writes the event as CometD's `payload` object: `ChangeEventHeader` with `changedFields` as names (without
    /// `nulledFields` and `diffFields`), dates as ISO 8601 strings, only the fields that CometD would show, compounds as
    /// objects. Fields outside `mask` appear neither in the body nor in `changedFields`. `recordIDs` replaces the header's
    /// (a merged event is shown to a subscriber one record at a time). Of a platform event, all fields are written.
    ///
    /// The hot path: no allocation but the growth of `buffer`. Nothing is written when it throws.
    public func writeJSON(
        _ payload: ByteBuffer, mask: Mask, recordIDs: [String]? = nil, into buffer: inout ByteBuffer
    ) throws(AvroError) {
        let words = mask.words(for: self)
        // Two bytes per byte of payload and the header's keys suit most events; what needs more is tried again.
        let likelyBytes = payload.readableBytes * 2 + 512
        let fault = buffer.writeJSON(likelyBytes: likelyBytes) { output -> (AvroFault?, JSONWriter) in
            payload.withUnsafeReadableBytes { bytes in
                SlotSet.withSets(3, wordCount: program.wordCount) { sets in
                    withExtendedLifetime((self, words)) {
                        var run = EventRun(
                            program, payload: bytes, output: output, mask: words.map { SlotSet(reading: $0.elements) },
                            recordIDs: recordIDs, sets: sets)
                        do throws(AvroFault) {
                            try run.write()
                            return (nil, run.run.writer)
                        } catch {
                            return (error, run.run.writer)
                        }
                    }
                }
            }
        }
        if let fault { throw error(fault, in: payload) }
    }

    /// Writes the event as plain JSON of its Avro value: every field of the schema, nulls included, longs as numbers,
    /// bitmaps as they were sent.
    public func writeRawJSON(_ payload: ByteBuffer, into buffer: inout ByteBuffer) throws(AvroError) {
        let fault = buffer.writeJSON(likelyBytes: payload.readableBytes * 2 + 4096) {
            output -> (AvroFault?, JSONWriter) in
            payload.withUnsafeReadableBytes { bytes in
                withExtendedLifetime(self) {
                    var run = AvroRun(program.avro, payload: bytes, output: output)
                    do throws(AvroFault) {
                        try run.write(run.operation(Int32(program.avro.root)), depth: 0)
                        try run.cursor.endOfPayload()
                        return (nil, run.writer)
                    } catch {
                        return (error, run.writer)
                    }
                }
            }
        }
        if let fault { throw error(fault, in: payload) }
    }
}

extension ByteBuffer {
    /// Appends what `body` writes, beginning again with more memory as long as it does not fit. When `body` returns a
    /// fault nothing is appended.
    mutating func writeJSON(
        likelyBytes: Int, _ body: (UnsafeMutableRawBufferPointer) -> (AvroFault?, JSONWriter)
    ) -> AvroFault? {
        var capacity = likelyBytes
        while true {
            var fault: AvroFault?
            var isOverflown = false
            writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { output in
                let (problem, writer) = body(output)
                fault = problem
                isOverflown = writer.isOverflown
                return problem != nil || writer.isOverflown ? 0 : writer.count
            }
            if fault != nil || !isOverflown { return fault }
            guard capacity < AvroLimits.outputBytesMax else { return AvroFault(.outputTooLarge, at: 0) }
            capacity = Swift.max(capacity, writableBytes) * 4
        }
    }
}
