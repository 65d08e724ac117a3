/// One pass over the payload of one event that writes CometD's `payload` object.
///
/// What is shown: of a change event, every value that is not null (of an UPDATE these are changed or enriched fields, of a
/// CREATE the fields that are not empty, of a DELETE enriched fields) and, of an UPDATE, null for each field that the
/// bitmaps name; of a platform event, every field. Compounds are objects of the components that would be shown.
struct EventRun {
    private typealias Operation = AvroProgram.Operation

    var run: AvroRun
    private let fields: UnsafeBufferPointer<EventProgram.Field>
    private let components: UnsafeBufferPointer<EventProgram.Component>
    private let headerMembers: UnsafeBufferPointer<EventProgram.HeaderMember>
    private let slotNames: UnsafeBufferPointer<AvroProgram.Span>
    private let updateSymbols: UnsafeBufferPointer<Bool>
    private let changeTypes: [ChangeType?]
    /// The slots that may be shown; nil for all.
    private let mask: SlotSet?
    private let recordIDs: [String]?
    private let changed: SlotSet
    /// `nulledFields`; after the header, united with `changed`.
    private let touched: SlotSet
    private let diffs: SlotSet
    private let isChangeEvent: Bool
    private var isUpdate = false
    private var hasDiffs = false

    /// `program` must outlive the run. `sets` gives three empty sets.
    init(
        _ program: EventProgram, payload: UnsafeRawBufferPointer, output: UnsafeMutableRawBufferPointer, mask: SlotSet?,
        recordIDs: [String]?, sets: (Int) -> SlotSet
    ) {
        run = AvroRun(program.avro, payload: payload, output: output)
        fields = program.fields.elements
        components = program.components.elements
        headerMembers = program.headerMembers.elements
        slotNames = program.slotNames.elements
        updateSymbols = program.updateSymbols.elements
        changeTypes = program.changeTypes
        isChangeEvent = !headerMembers.isEmpty
        self.mask = mask
        self.recordIDs = recordIDs
        changed = sets(0)
        touched = sets(1)
        diffs = sets(2)
    }

    /// Writes the whole object and checks that the payload ends with it.
    mutating func write() throws(AvroFault) {
        run.writer.byte(UInt8(ascii: "{"))
        let start = run.writer.count
        if isChangeEvent { try writeHeader() }
        var index = isChangeEvent ? 1 : 0
        while index < fields.count {
            try writeField(index, isFirst: run.writer.count == start)
            index &+= 1
        }
        run.writer.byte(UInt8(ascii: "}"))
        try run.cursor.endOfPayload()
    }

    // MARK: Header

    private mutating func writeHeader() throws(AvroFault) {
        run.writer.raw("\"ChangeEventHeader\":{")
        let start = run.writer.count
        for member in headerMembers {
            let dropping: Int32 = run.writer.count == start ? 1 : 0
            switch member.role {
            case .nulledFields: try readBitmap(into: touched)
            case .diffFields: hasDiffs = try readBitmap(into: diffs) || hasDiffs
            case .changedFields:
                run.write(member.key, dropping: dropping)
                try readBitmap(into: changed)
                writeChangedNames()
            case .recordIDs:
                run.write(member.key, dropping: dropping)
                try writeRecordIDs(member.operation)
            case .changeType:
                run.write(member.key, dropping: dropping)
                try writeChangeType(member.operation)
            case .entityName, .changeOrigin, .transactionKey, .commitUser:
                run.write(member.key, dropping: dropping)
                try run.writeString()
            case .sequenceNumber:
                run.write(member.key, dropping: dropping)
                run.writer.integer(Int64(try run.cursor.int()))
            case .commitTimestamp, .commitNumber:
                run.write(member.key, dropping: dropping)
                run.writer.integer(try run.cursor.long())
            case .other:
                run.write(member.key, dropping: dropping)
                try run.write(run.operation(member.operation), depth: 2)
            }
        }
        touched.formUnion(changed)
        run.writer.byte(UInt8(ascii: "}"))
    }

    private mutating func writeRecordIDs(_ operation: Int32) throws(AvroFault) {
        guard let recordIDs else { return try run.write(run.operation(operation), depth: 2) }
        try run.skip(run.operation(operation), depth: 2)
        run.writer.strings(recordIDs)
    }

    private mutating func writeChangeType(_ operation: Int32) throws(AvroFault) {
        let start = run.cursor.offset
        let operation = run.operation(operation)
        let symbol = try run.cursor.symbol(of: Int(operation.count))
        guard changeTypes[symbol] != nil else { throw AvroFault(.unknownChangeType, at: start) }
        isUpdate = updateSymbols[symbol]
        run.writeSymbol(operation, symbol)
    }

    /// Returns whether the array holds anything.
    @discardableResult
    private mutating func readBitmap(into set: SlotSet) throws(AvroFault) -> Bool {
        let fields = fields
        var isEmpty = true
        try run.eachItem(bytesMin: 1) { run, _ throws(AvroFault) in
            let start = run.cursor.offset
            isEmpty = false
            if let fault = BitmapNotation.add(try run.cursor.lengthPrefixed(), fields: fields, to: set) {
                throw AvroFault(fault, at: start)
            }
        }
        return !isEmpty
    }

    private mutating func writeChangedNames() {
        run.writer.byte(UInt8(ascii: "["))
        let start = run.writer.count
        changed.forEach { slot in
            if allows(slot) {
                writeName(slot, isFirst: run.writer.count == start)
            } else if slot < fields.count, !fields[slot].hasScalar {
                // A compound changed as a whole, of which the mask admits a part.
                for component in componentSlots(of: fields[slot])
                where allows(component) && !changed.contains(component) {
                    writeName(component, isFirst: run.writer.count == start)
                }
            }
        }
        run.writer.byte(UInt8(ascii: "]"))
    }

    private mutating func writeName(_ slot: Int, isFirst: Bool) {
        if !isFirst { run.writer.byte(UInt8(ascii: ",")) }
        run.write(slotNames[slot])
    }

    // MARK: Body

    @inline(__always)
    private func allows(_ slot: Int) -> Bool {
        if let mask { mask.contains(slot) } else { true }
    }

    private func componentSlots(of field: EventProgram.Field) -> Range<Int> {
        let first = fields.count + Int(field.firstComponent)
        return first..<(first + Int(field.componentCount))
    }

    @inline(__always)
    private mutating func writeField(_ slot: Int, isFirst: Bool) throws(AvroFault) {
        let field = fields[slot]
        let (index, operation) = try run.resolve(field.operation)
        if operation.kind == .null {
            // Most fields of most updates end here.
            if isChangeEvent, !isUpdate || (field.componentCount == 0 && !touched.contains(slot)) { return }
            writeNull(slot, field, isFirst: isFirst)
        } else if index == field.compoundOperation {
            try writeCompound(slot, field, isFirst: isFirst)
        } else if allows(slot) {
            run.write(field.key, dropping: isFirst ? 1 : 0)
            try writeSimple(operation, field.format, isDiff: hasDiffs && diffs.contains(slot))
        } else {
            try run.skip(operation, depth: 1)
        }
    }

    private mutating func writeNull(_ slot: Int, _ field: EventProgram.Field, isFirst: Bool) {
        let isTouched = !isChangeEvent || touched.contains(slot)
        if isTouched, allows(slot) {
            run.write(field.key, dropping: isFirst ? 1 : 0)
            return run.writer.raw("null")
        }
        guard field.componentCount > 0 else { return }
        let areAllTouched = isTouched && !field.hasScalar
        var isOpen = false
        for component in componentSlots(of: field)
        where (areAllTouched || touched.contains(component)) && allows(component) {
            openOrContinue(field, isFirst: isFirst, isOpen: &isOpen, component: components[component - fields.count])
            run.writer.raw("null")
        }
        if isOpen { run.writer.byte(UInt8(ascii: "}")) }
    }

    private mutating func writeCompound(_ slot: Int, _ field: EventProgram.Field, isFirst: Bool) throws(AvroFault) {
        let showsAllNulls = !isChangeEvent || (isUpdate && touched.contains(slot))
        var isOpen = false
        for componentSlot in componentSlots(of: field) {
            let component = components[componentSlot &- fields.count]
            let (_, operation) = try run.resolve(component.operation)
            if operation.kind == .null {
                guard showsAllNulls || (isUpdate && touched.contains(componentSlot)), allows(componentSlot) else {
                    continue
                }
                openOrContinue(field, isFirst: isFirst, isOpen: &isOpen, component: component)
                run.writer.raw("null")
            } else if allows(componentSlot) {
                openOrContinue(field, isFirst: isFirst, isOpen: &isOpen, component: component)
                try writeSimple(operation, component.format, isDiff: hasDiffs && diffs.contains(componentSlot))
            } else {
                try run.skip(operation, depth: 2)
            }
        }
        if isOpen { run.writer.byte(UInt8(ascii: "}")) }
    }

    private mutating func openOrContinue(
        _ field: EventProgram.Field, isFirst: Bool, isOpen: inout Bool, component: EventProgram.Component
    ) {
        if !isOpen {
            run.write(field.key, dropping: isFirst ? 1 : 0)
            run.writer.byte(UInt8(ascii: "{"))
        }
        run.write(component.key, dropping: isOpen ? 0 : 1)
        isOpen = true
    }

    @inline(__always)
    private mutating func writeSimple(
        _ operation: Operation, _ format: EventProgram.Format, isDiff: Bool
    ) throws(AvroFault) {
        if operation.kind == .string, !isDiff { return try run.writeString() }
        if operation.kind == .long, format != .number {
            let milliseconds = try run.cursor.long()
            switch format {
            case .dateTime: run.writer.dateTime(milliseconds: milliseconds)
            case .date: run.writer.date(milliseconds: milliseconds)
            case .time: run.writer.time(milliseconds: milliseconds)
            case .number: run.writer.integer(milliseconds)
            }
            return
        }
        if isDiff { run.writer.raw("{\"diff\":") }
        try run.write(operation, depth: 2)
        if isDiff { run.writer.byte(UInt8(ascii: "}")) }
    }
}
