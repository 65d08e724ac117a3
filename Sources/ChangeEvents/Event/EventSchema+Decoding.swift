public import NIOCore

extension EventSchema {
    /// Decodes field 0 only; what follows it is not looked at.
    public func header(of payload: ByteBuffer) throws(AvroError) -> ChangeEventHeader {
        try read(payload) { reader throws(AvroFault) in try reader.header() }
    }

    /// Decodes the whole change event.
    public func changeEvent(of payload: ByteBuffer) throws(AvroError) -> ChangeEvent {
        try read(payload) { reader throws(AvroFault) in try reader.changeEvent() }
    }

    /// Decodes the fields of a platform event (an event without a `ChangeEventHeader`) by flat name, empty ones as null.
    public func values(of payload: ByteBuffer) throws(AvroError) -> [String: FieldValue] {
        guard !isChangeEvent else {
            throw AvroError(
                code: .malformedSchema, message: "\(recordName) is a change event: read it with changeEvent(of:)")
        }
        return try decode(payload) { reader throws(AvroFault) in try reader.platformEvent() }
    }

    private func read<Outcome>(
        _ payload: ByteBuffer, _ body: (inout EventReader) throws(AvroFault) -> Outcome
    ) throws(AvroError) -> Outcome {
        guard isChangeEvent else {
            throw AvroError(code: .malformedSchema, message: "\(recordName) is not a change event")
        }
        return try decode(payload, body)
    }

    private func decode<Outcome>(
        _ payload: ByteBuffer, _ body: (inout EventReader) throws(AvroFault) -> Outcome
    ) throws(AvroError) -> Outcome {
        let outcome = payload.withUnsafeReadableBytes { bytes in
            SlotSet.withSets(3, wordCount: program.wordCount) { sets -> Result<Outcome, AvroFault> in
                var reader = EventReader(schema: self, payload: bytes, sets: sets)
                do throws(AvroFault) {
                    return .success(try body(&reader))
                } catch {
                    return .failure(error)
                }
            }
        }
        switch outcome {
        case .success(let value): return value
        case .failure(let fault): throw error(fault, in: payload)
        }
    }
}

/// One pass over the payload of one event that builds values in memory.
private struct EventReader {
    private typealias Operation = AvroProgram.Operation

    private let schema: EventSchema
    private var run: AvroRun
    private let payload: UnsafeRawBufferPointer
    private let changed: SlotSet
    private let nulled: SlotSet
    private let diffs: SlotSet
    private var values: [String: FieldValue] = [:]
    private var enriched: [String] = []
    private var changeType = ChangeType.create

    init(schema: EventSchema, payload: UnsafeRawBufferPointer, sets: (Int) -> SlotSet) {
        self.schema = schema
        self.payload = payload
        run = AvroRun(
            schema.program.avro, payload: payload, output: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        changed = sets(0)
        nulled = sets(1)
        diffs = sets(2)
    }

    // MARK: Header

    mutating func header() throws(AvroFault) -> ChangeEventHeader {
        var header = ChangeEventHeader.placeholder
        for member in schema.program.headerMembers.elements {
            switch member.role {
            case .entityName: header.entityName = try run.cursor.string()
            case .recordIDs: header.recordIDs = try run.cursor.strings()
            case .changeType:
                let start = run.cursor.offset
                let symbol = try run.cursor.symbol(of: schema.program.changeTypes.count)
                guard let changeType = schema.program.changeTypes[symbol] else {
                    throw AvroFault(.unknownChangeType, at: start)
                }
                header.changeType = changeType
            case .changeOrigin: header.changeOrigin = try run.cursor.string()
            case .transactionKey: header.transactionKey = try run.cursor.string()
            case .sequenceNumber: header.sequenceNumber = try run.cursor.int()
            case .commitTimestamp: header.commitTimestamp = try run.cursor.long()
            case .commitNumber: header.commitNumber = try run.cursor.long()
            case .commitUser: header.commitUser = try run.cursor.string()
            case .nulledFields: header.nulledFields = try bitmap(into: nulled)
            case .diffFields: header.diffFields = try bitmap(into: diffs)
            case .changedFields: header.changedFields = try bitmap(into: changed)
            case .other: try run.skip(run.operation(member.operation), depth: 2)
            }
        }
        changeType = header.changeType
        return header
    }

    private mutating func bitmap(into set: SlotSet) throws(AvroFault) -> [String] {
        let fields = schema.program.fields.elements
        var elements: [String] = []
        try run.eachItem(bytesMin: 1) { run, _ throws(AvroFault) in
            let start = run.cursor.offset
            let bytes = try run.cursor.lengthPrefixed()
            if let fault = BitmapNotation.add(bytes, fields: fields, to: set) { throw AvroFault(fault, at: start) }
            elements.append(String(decoding: bytes, as: UTF8.self))
        }
        return elements
    }

    // MARK: Body

    mutating func changeEvent() throws(AvroFault) -> ChangeEvent {
        let header = try header()
        let changedNames = schema.names(of: changed)
        let nulledNames = schema.names(of: nulled)
        changed.formUnion(nulled)
        if changeType.carriesAllFields { values.reserveCapacity(schema.slotNames.count) }
        for index in 1..<max(schema.fields.count, 1) { try readField(index) }
        try run.cursor.endOfPayload()
        return ChangeEvent(
            header: header, changedFields: changedNames, nulledFields: nulledNames, diffFields: schema.names(of: diffs),
            values: values, enrichedFields: enriched, nameParts: touchedNameParts)
    }

    private var touchedNameParts: [String]? {
        guard let parts = schema.nameParts, !parts.isEmpty, values[PersonName.field] == nil else { return nil }
        if changeType.carriesAllFields { return parts }
        return parts.contains { values[$0] != nil && !enriched.contains($0) } ? parts : nil
    }

    mutating func platformEvent() throws(AvroFault) -> [String: FieldValue] {
        changeType = .create
        for index in schema.fields.indices { try readField(index) }
        try run.cursor.endOfPayload()
        return values
    }

    private mutating func readField(_ slot: Int) throws(AvroFault) {
        let field = schema.program.fields.elements[slot]
        let isWhollyTouched = changed.contains(slot)
        let (index, operation) = try run.resolve(field.operation)
        guard field.componentCount > 0 else {
            let value = try read(operation, field.format)
            return note(value, name: schema.fields[slot].flatNames[0], isTouched: isWhollyTouched)
        }
        let names = schema.fields[slot].flatNames
        let isCompound = index == field.compoundOperation
        // A compound that may be a plain string has its own name last.
        if names.count > Int(field.componentCount) {
            if !isCompound {
                note(try read(operation, field.format), name: names[names.count - 1], isTouched: isWhollyTouched)
            }
        } else if !isCompound, operation.kind != .null {
            try run.skip(operation, depth: 1)
        }
        for position in 0..<Int(field.componentCount) {
            let isTouched =
                isWhollyTouched && (isCompound || operation.kind == .null)
                || changed.contains(schema.fields.count + Int(field.firstComponent) + position)
            guard isCompound else {
                note(.null, name: names[position], isTouched: isTouched)
                continue
            }
            let component = schema.program.components.elements[Int(field.firstComponent) + position]
            let (_, operation) = try run.resolve(component.operation)
            note(try read(operation, component.format), name: names[position], isTouched: isTouched)
        }
    }

    /// Keeps a value where the kind of change says that it means something.
    private mutating func note(_ value: FieldValue, name: String, isTouched: Bool) {
        if changeType.carriesAllFields || (changeType == .update && isTouched) {
            values[name] = value
        } else if value != .null {
            values[name] = value
            enriched.append(name)
        }
    }

    private mutating func read(_ operation: Operation, _ format: EventProgram.Format) throws(AvroFault) -> FieldValue {
        switch operation.kind {
        case .null: return .null
        case .boolean: return .boolean(try run.cursor.boolean())
        case .int: return .integer(Int64(try run.cursor.int()))
        case .long:
            let number = try run.cursor.long()
            switch format {
            case .number: return .integer(number)
            case .dateTime: return .dateTime(milliseconds: number)
            case .date: return .date(milliseconds: number)
            case .time: return .time(milliseconds: number)
            }
        case .float: return .double(Double(try run.cursor.float()))
        case .double: return .double(try run.cursor.double())
        case .string: return .string(try run.cursor.string())
        case .enumeration, .bytes, .fixed, .record, .map, .nullable, .union:
            return try readText(operation)
        case .array:
            guard run.operation(operation.first).kind == .string else { return try readText(operation) }
            return .list(try run.cursor.strings())
        }
    }

    /// Values that no record of Salesforce has: an enum or bytes as their text, anything nested as the text of its JSON.
    private mutating func readText(_ operation: Operation) throws(AvroFault) -> FieldValue {
        let start = run.cursor.offset
        try run.skip(operation, depth: 1)
        let slice = UnsafeRawBufferPointer(rebasing: payload[start..<run.cursor.offset])
        var buffer = ByteBuffer()
        let program = schema.program.avro
        let fault = buffer.writeJSON(likelyBytes: slice.count * 8 + 64) { output -> (AvroFault?, JSONWriter) in
            var part = AvroRun(program, payload: slice, output: output)
            do throws(AvroFault) {
                try part.write(operation, depth: 1)
                return (nil, part.writer)
            } catch {
                return (error, part.writer)
            }
        }
        if let fault { throw AvroFault(fault.code, at: start + fault.offset) }
        let text = String(buffer: buffer)
        switch operation.kind {
        case .enumeration: return .string(String(text.dropFirst().dropLast()))
        case .bytes, .fixed:
            return .string(try Self.latin1(slice, isFixed: operation.kind == .fixed))
        case .null, .boolean, .int, .long, .float, .double, .string, .record, .array, .map, .nullable, .union:
            return .string(text)
        }
    }

    private static func latin1(_ slice: UnsafeRawBufferPointer, isFixed: Bool) throws(AvroFault) -> String {
        var cursor = AvroCursor(slice)
        let bytes = isFixed ? slice : try cursor.lengthPrefixed()
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }
}

extension ChangeType {
    /// True where a null means that the field is empty.
    var carriesAllFields: Bool {
        switch self {
        case .create, .undelete, .snapshot: true
        case .update, .delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow: false
        }
    }
}
