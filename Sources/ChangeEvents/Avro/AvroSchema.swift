/// An Avro schema, parsed: a table of types that refer to one another by index, so that recursive types need no
/// references. Immutable; any thread may use it.
public struct AvroSchema: Sendable {
    /// One type. Indices are into `AvroSchema.types`.
    public enum AvroType: Sendable {
        case null, boolean, int, long, float, double, bytes, string
        case record(Record)
        case enumeration(Enumeration)
        case fixed(Fixed)
        case array(items: Int)
        case map(values: Int)
        case union([Int])
    }

    /// A record type. `name` and `aliases` are full names.
    public struct Record: Sendable {
        public var name: String
        public var aliases: [String]
        public var doc: String
        public var fields: [Field]
    }

    public struct Field: Sendable {
        public var name: String
        public var aliases: [String]
        public var doc: String
        /// Index of the field's type.
        public var type: Int
        /// Nil when the schema gives none.
        public var defaultValue: AvroValue?
    }

    public struct Enumeration: Sendable {
        public var name: String
        public var aliases: [String]
        public var symbols: [String]
        /// Index of the symbol that readers may put in place of an unknown one.
        public var defaultSymbol: Int?
    }

    public struct Fixed: Sendable {
        public var name: String
        public var aliases: [String]
        /// Bytes.
        public var size: Int
    }

    /// Every type of the schema. A named type stands once.
    public let types: [AvroType]
    /// Index of the type that a payload is an encoding of.
    public let root: Int
    /// By type: the fewest bytes that a value takes; caps what the count of an array may claim.
    let bytesMin: [Int]

    /// Parses a schema's JSON text. The order of keys does not matter; unknown attributes are ignored, as Avro says.
    public init(json: String) throws(AvroError) {
        let text = try JSONText(parsing: json)
        var parser = AvroSchemaParser()
        root = try parser.parse(text, namespace: "", depth: 0)
        types = try parser.typesWithDefaults()
        bytesMin = Self.minimums(types)
    }

    /// Sizes of records are sums over their fields; a type that is not yet known counts as nothing, which is a lower bound.
    private static func minimums(_ types: [AvroType]) -> [Int] {
        var bytes = types.map { type in
            switch type {
            case .null, .record: 0
            case .boolean, .int, .long, .bytes, .string, .enumeration, .array, .map, .union: 1
            case .float: 4
            case .double: 8
            case .fixed(let fixed): fixed.size
            }
        }
        // From the back: a record stands before the types of its fields, so these are known when it is reached.
        for (index, type) in types.enumerated().reversed() {
            guard case .record(let record) = type else { continue }
            bytes[index] = record.fields.reduce(0) { min($0 + bytes[$1.type], 1 << 30) }
        }
        return bytes
    }
}
