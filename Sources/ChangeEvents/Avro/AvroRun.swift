/// One pass of a program over one payload: reads values and writes them as JSON, or passes them over.
///
/// A struct on the stack of one call; borrows the program, the payload and the output.
struct AvroRun {
    typealias Operation = AvroProgram.Operation
    typealias Span = AvroProgram.Span

    var cursor: AvroCursor
    var writer: JSONWriter
    private let operations: UnsafeBufferPointer<Operation>
    private let members: UnsafeBufferPointer<AvroProgram.Member>
    private let branches: UnsafeBufferPointer<Int32>
    private let spans: UnsafeBufferPointer<Span>
    private let pool: UnsafeRawPointer
    private var valuesLeft: Int

    /// The program must outlive the run: callers hold it with `withExtendedLifetime`.
    init(_ program: borrowing AvroProgram, payload: UnsafeRawBufferPointer, output: UnsafeMutableRawBufferPointer) {
        cursor = AvroCursor(payload)
        writer = JSONWriter(output)
        operations = program.operations.elements
        members = program.members.elements
        branches = program.branches.elements
        spans = program.spans.elements
        // A pool without bytes has no spans that point into it.
        pool =
            UnsafeRawBufferPointer(program.pool.elements).baseAddress
            ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        valuesLeft = AvroLimits.valuesMax(payloadBytes: payload.count)
    }

    @inline(__always)
    func operation(_ index: Int32) -> Operation { operations[Int(index)] }

    @inline(__always)
    func branch(_ index: Int32) -> Int32 { branches[Int(index)] }

    /// Writes bytes of the pool, beginning after the first `dropped` of them.
    @inline(__always)
    mutating func write(_ span: Span, dropping dropped: Int32 = 0) {
        writer.raw(pool + Int(span.start &+ dropped), Int(span.length &- dropped))
    }

    /// Follows a union to the value that is there: its operation, and the index of it.
    @inline(__always)
    mutating func resolve(_ index: Int32) throws(AvroFault) -> (index: Int32, operation: Operation) {
        let operation = self.operation(index)
        switch operation.kind {
        case .nullable:
            if try cursor.branch(of: 2) == Int(operation.count) { return (0, Operation(kind: .null)) }
            return (operation.first, self.operation(operation.first))
        case .union:
            let branch = self.branch(operation.first &+ Int32(try cursor.branch(of: Int(operation.count))))
            return (branch, self.operation(branch))
        case .null, .boolean, .int, .long, .float, .double, .bytes, .string, .fixed, .enumeration, .record, .array,
            .map:
            return (index, operation)
        }
    }

    @inline(__always)
    private mutating func countValue(depth: Int) throws(AvroFault) {
        guard depth <= AvroLimits.valueDepthMax else { throw AvroFault(.tooDeep, at: cursor.offset) }
        valuesLeft &-= 1
        guard valuesLeft >= 0 else { throw AvroFault(.tooMuchWork, at: cursor.offset) }
    }

    // MARK: Passing over

    /// Passes over a value; strings are checked to be UTF-8 all the same, so that what is an error does not depend on who
    /// may see which field.
    mutating func skip(_ operation: Operation, depth: Int) throws(AvroFault) {
        try countValue(depth: depth)
        switch operation.kind {
        case .null: return
        case .boolean: _ = try cursor.boolean()
        case .int: _ = try cursor.int()
        case .long: _ = try cursor.long()
        case .float: _ = try cursor.advance(4)
        case .double: _ = try cursor.advance(8)
        case .bytes: _ = try cursor.lengthPrefixed()
        case .string: try skipString()
        case .fixed: _ = try cursor.advance(Int(operation.first))
        case .enumeration: _ = try cursor.symbol(of: Int(operation.count))
        case .nullable:
            if try cursor.branch(of: 2) != Int(operation.count) {
                try skip(self.operation(operation.first), depth: depth &+ 1)
            }
        case .union:
            let branch = try cursor.branch(of: Int(operation.count))
            try skip(self.operation(self.branch(operation.first &+ Int32(branch))), depth: depth &+ 1)
        case .record:
            for index in operation.first..<(operation.first &+ operation.count) {
                try skip(self.operation(members[Int(index)].operation), depth: depth &+ 1)
            }
        case .array, .map:
            let item = self.operation(operation.first)
            let isMap = operation.kind == .map
            try eachItem(bytesMin: isMap ? 1 : Int(item.bytesMin)) { run, _ throws(AvroFault) in
                if isMap { try run.skipString() }
                try run.skip(item, depth: depth &+ 1)
            }
        }
    }

    @inline(__always)
    mutating func skipString() throws(AvroFault) {
        let start = cursor.offset
        guard UTF8Sequence.isValid(try cursor.lengthPrefixed()) else { throw AvroFault(.notUTF8, at: start) }
    }

    /// Calls `body` for each item of an array or map, with its number.
    @inline(__always)
    mutating func eachItem(
        bytesMin: Int, _ body: (inout AvroRun, _ index: Int) throws(AvroFault) -> Void
    ) throws(AvroFault) {
        var index = 0
        while true {
            let (items, end) = try cursor.block(itemBytesMin: bytesMin)
            if items == 0 { return try cursor.endOfBlock(end) }
            var left = items
            while left > 0 {
                try body(&self, index)
                index &+= 1
                left &-= 1
            }
            try cursor.endOfBlock(end)
        }
    }

    // MARK: Writing

    /// Writes a value as plain JSON: unions without a wrapper, enums as their symbols, longs as numbers, bytes as
    /// characters U+0000 to U+00FF.
    mutating func write(_ operation: Operation, depth: Int) throws(AvroFault) {
        try countValue(depth: depth)
        switch operation.kind {
        case .null: writer.raw("null")
        case .boolean: writer.boolean(try cursor.boolean())
        case .int: writer.integer(Int64(try cursor.int()))
        case .long: writer.integer(try cursor.long())
        case .float: writer.float(try cursor.float())
        case .double: writer.double(try cursor.double())
        case .bytes: writer.latin1(try cursor.lengthPrefixed())
        case .string: try writeString()
        case .fixed:
            let size = Int(operation.first)
            writer.latin1(UnsafeRawBufferPointer(start: try cursor.advance(size), count: size))
        case .enumeration:
            writeSymbol(operation, try cursor.symbol(of: Int(operation.count)))
        case .nullable:
            if try cursor.branch(of: 2) == Int(operation.count) {
                writer.raw("null")
            } else {
                try write(self.operation(operation.first), depth: depth &+ 1)
            }
        case .union:
            let branch = try cursor.branch(of: Int(operation.count))
            try write(self.operation(self.branch(operation.first &+ Int32(branch))), depth: depth &+ 1)
        case .record:
            writer.byte(UInt8(ascii: "{"))
            for index in operation.first..<(operation.first &+ operation.count) {
                let member = members[Int(index)]
                write(member.key, dropping: index == operation.first ? 1 : 0)
                try write(self.operation(member.operation), depth: depth &+ 1)
            }
            writer.byte(UInt8(ascii: "}"))
        case .array: try writeArray(of: self.operation(operation.first), depth: depth)
        case .map:
            let value = self.operation(operation.first)
            writer.byte(UInt8(ascii: "{"))
            try eachItem(bytesMin: 1) { run, index throws(AvroFault) in
                if index > 0 { run.writer.byte(UInt8(ascii: ",")) }
                try run.writeString()
                run.writer.byte(UInt8(ascii: ":"))
                try run.write(value, depth: depth &+ 1)
            }
            writer.byte(UInt8(ascii: "}"))
        }
    }

    private mutating func writeArray(of item: Operation, depth: Int) throws(AvroFault) {
        writer.byte(UInt8(ascii: "["))
        try eachItem(bytesMin: Int(item.bytesMin)) { run, index throws(AvroFault) in
            if index > 0 { run.writer.byte(UInt8(ascii: ",")) }
            try run.write(item, depth: depth &+ 1)
        }
        writer.byte(UInt8(ascii: "]"))
    }

    mutating func writeSymbol(_ operation: Operation, _ symbol: Int) {
        write(spans[Int(operation.first) &+ symbol])
    }

    @inline(__always)
    mutating func writeString() throws(AvroFault) {
        let start = cursor.offset
        try writer.string(try cursor.lengthPrefixed(), at: start)
    }
}
