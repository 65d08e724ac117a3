/// A schema compiled for reading: one operation per type in a flat table, names and symbols as ready JSON in one pool of
/// bytes. Made once per schema, immutable, shared by all threads.
///
/// `AvroRun` interprets it. What is gained over a walk of `AvroSchema`: no reference counting, no strings, no
/// dictionary, no allocation per event.
struct AvroProgram: Sendable {
    /// What to do with the next value of a payload.
    struct Operation: BitwiseCopyable {
        enum Kind: UInt8 {
            case null, boolean, int, long, float, double, bytes, string
            /// `first`: bytes.
            case fixed
            /// `first`, `count`: range of `spans` that hold the symbols, quoted.
            case enumeration
            /// `first`, `count`: range of `members`.
            case record
            /// `first`: operation of the items.
            case array
            /// `first`: operation of the values.
            case map
            /// A union of null and one other type. `first`: operation of the other; `count`: the branch that is null.
            case nullable
            /// `first`, `count`: range of `branches`.
            case union
        }

        var kind: Kind
        var first: Int32 = 0
        var count: Int32 = 0
        /// The fewest bytes that a value takes; caps what a count may claim.
        var bytesMin: Int32 = 0
    }

    /// A field of a record: its operation and `,"name":` in the pool (skip the first byte where no comma is wanted).
    struct Member: BitwiseCopyable {
        var operation: Int32
        var key: Span
    }

    /// A range of the pool.
    struct Span: BitwiseCopyable {
        var start: Int32
        var length: Int32
    }

    let root: Int
    let operations: FrozenTable<Operation>
    let members: FrozenTable<Member>
    let branches: FrozenTable<Int32>
    let spans: FrozenTable<Span>
    let pool: FrozenTable<UInt8>

    init(_ schema: AvroSchema, pool: inout PoolBuilder) {
        var compiler = AvroCompiler(types: schema.types, bytesMin: schema.bytesMin, pool: pool)
        compiler.compile()
        pool = compiler.pool
        root = schema.root
        operations = FrozenTable(compiler.operations)
        members = FrozenTable(compiler.members)
        branches = FrozenTable(compiler.branches)
        spans = FrozenTable(compiler.spans)
        self.pool = FrozenTable(compiler.pool.bytes)
    }
}

/// Collects the bytes of names while a program is compiled.
struct PoolBuilder {
    private(set) var bytes: [UInt8] = []

    /// Adds a JSON string.
    mutating func quoted(_ text: String) -> AvroProgram.Span {
        add(JSONWriter.quoted(text))
    }

    /// Adds `,"name":`.
    mutating func key(_ name: String) -> AvroProgram.Span {
        add([UInt8(ascii: ",")] + JSONWriter.quoted(name) + [UInt8(ascii: ":")])
    }

    private mutating func add(_ text: [UInt8]) -> AvroProgram.Span {
        defer { bytes += text }
        return AvroProgram.Span(start: Int32(bytes.count), length: Int32(text.count))
    }
}

/// Turns the type table into the program's tables. Operation indices are type indices.
private struct AvroCompiler {
    let types: [AvroSchema.AvroType]
    let bytesMin: [Int]
    var operations: [AvroProgram.Operation] = []
    var members: [AvroProgram.Member] = []
    var branches: [Int32] = []
    var spans: [AvroProgram.Span] = []
    var pool: PoolBuilder

    init(types: [AvroSchema.AvroType], bytesMin: [Int], pool: PoolBuilder) {
        self.types = types
        self.bytesMin = bytesMin
        self.pool = pool
    }

    mutating func compile() {
        for (index, type) in types.enumerated() {
            operations.append(operation(type))
            operations[index].bytesMin = Int32(bytesMin[index])
        }
    }

    private mutating func operation(_ type: AvroSchema.AvroType) -> AvroProgram.Operation {
        switch type {
        case .null: return .init(kind: .null)
        case .boolean: return .init(kind: .boolean)
        case .int: return .init(kind: .int)
        case .long: return .init(kind: .long)
        case .float: return .init(kind: .float)
        case .double: return .init(kind: .double)
        case .bytes: return .init(kind: .bytes)
        case .string: return .init(kind: .string)
        case .fixed(let fixed): return .init(kind: .fixed, first: Int32(fixed.size))
        case .enumeration(let enumeration):
            let first = spans.count
            for symbol in enumeration.symbols { spans.append(pool.quoted(symbol)) }
            return .init(kind: .enumeration, first: Int32(first), count: Int32(enumeration.symbols.count))
        case .array(let items): return .init(kind: .array, first: Int32(items))
        case .map(let values): return .init(kind: .map, first: Int32(values))
        case .record(let record):
            let first = members.count
            for field in record.fields {
                members.append(.init(operation: Int32(field.type), key: pool.key(field.name)))
            }
            return .init(kind: .record, first: Int32(first), count: Int32(record.fields.count))
        case .union(let indices):
            if indices.count == 2, let null = indices.firstIndex(where: { types[$0].isNull }) {
                return .init(kind: .nullable, first: Int32(indices[1 - null]), count: Int32(null))
            }
            let first = branches.count
            branches += indices.map { Int32($0) }
            return .init(kind: .union, first: Int32(first), count: Int32(indices.count))
        }
    }
}

extension AvroSchema.AvroType {
    var isNull: Bool {
        if case .null = self { true } else { false }
    }

    var isString: Bool {
        if case .string = self { true } else { false }
    }
}

extension JSONWriter {
    /// A JSON string as bytes of its own, for names that are made once.
    static func quoted(_ text: String) -> [UInt8] {
        // The longest escape of a byte takes six; the slack is what the writer wants at the end of a string.
        let capacity = text.utf8.count * 6 + 32
        return [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
            var writer = JSONWriter(UnsafeMutableRawBufferPointer(memory))
            writer.string(text)
            count = writer.count
        }
    }
}
